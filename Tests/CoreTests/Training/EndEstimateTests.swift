import Core
import Foundation
import Testing

@Suite struct EndEstimateTests {
  private let start = ContinuousClock.now
  /// Noon of some day, in the machine's time zone.
  private let noon = Calendar.current.startOfDay(for: Date(timeIntervalSince1970: 1_717_200_000))
    .addingTimeInterval(12 * 3600)

  /// The lines of a run of `total` images in steps of 100, each `seconds` long, its first 40 steps.
  private func lines(
    _ estimate: EndEstimate, total: Int, secondsPerStep seconds: Double
  ) -> [(step: Int, line: String)] {
    (1...40).compactMap { step in
      estimate.line(
        afterStepOf: 100, left: total - step * 100, of: total, phase: "attack badnet",
        now: start + .milliseconds(Int(seconds * 1000) * step), date: noon
      ).map { (step, $0) }
    }
  }

  @Test func itIsSaidOnceAfterFiveSecondsWithoutTheFirstStep() {
    let said = lines(EndEstimate(), total: 1_200_600, secondsPerStep: 1)
    #expect(said.map(\.step) == [6])
    #expect(
      said.first?.line
        == "attack badnet: about 3 h 20 min, until 15:20; more ranks under mpirun take less")
  }

  @Test func evaluationsTakeAThirdOfTheTimeForEachImage() {
    let said = lines(EndEstimate(evaluatedImages: 400_200), total: 120_600, secondsPerStep: 1)
    #expect(said.first?.line == "attack badnet: about 40 min, until 12:40")
  }

  @Test func longRunsHaveARemedyAndAnotherDaysDate() {
    let said = lines(
      EndEstimate(remedy: "--width 16 takes less"), total: 8_640_200, secondsPerStep: 10)
    #expect(said.map(\.step) == [2])
    let day = noon.addingTimeInterval(10 * 86_400)
    let parts = Calendar.current.dateComponents([.year, .month, .day], from: day)
    let date = String(
      format: "%04d-%02d-%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
    #expect(
      said.first?.line
        == "attack badnet: about 240 h, until \(date) 12:00; --width 16 takes less")
  }

  @Test func shortRunsSayNothing() {
    #expect(lines(EndEstimate(), total: 5_000, secondsPerStep: 1).isEmpty)
  }
}
