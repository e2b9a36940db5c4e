import Core
import Distributed
import Foundation
import Testing

/// The clocks of two ranks, and the times of training steps.
@Suite struct TrainingWatchTests {
  @Test(arguments: 1...4) func clocksThatDifferAreAligned(worldSize: Int) throws {
    let start = ContinuousClock.now
    let offsets = try LocalGroup.run(worldSize: worldSize) { communicator in
      try communicator.clockOffset {
        start.duration(to: .now) / .seconds(1) + Double(communicator.rank) * 100
      }
    }
    #expect(offsets[0] == ClockOffset(seconds: 0, error: 0))
    for (rank, offset) in offsets.enumerated() {
      // The bounds hold whatever the machine is doing; only their width depends on it.
      #expect(abs(offset.seconds + Double(rank) * 100) <= offset.error + 1e-9)
    }
  }

  @Test func aStepIsTimedUntilItsLastGradient() throws {
    let timer = StepTimer()
    timer.measureStep { timer.gradientsReady(waited: .zero) }
    #expect(timer.step == 1)
    #expect(timer.measure(.load) { 7 } == 7)
  }
}
