import Core
import Distributed
import Testing

/// Parameters that come to differ on one rank are found, and the rank is named.
@Suite struct ReplicaWatchTests {
  private static let model = Network(
    .resnet18, width: 4, classCount: 10,
    inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3)
  ).store.plan

  private static func run(
    corrupting odd: Int, interval: Int, steps: ClosedRange<Int>,
    _ corrupt: @escaping @Sendable (ParameterStore) -> Void
  ) throws {
    _ = try LocalGroup.run(worldSize: 3) { communicator in
      let store = ParameterStore(model)
      let watch = ReplicaWatch(store, communicator: communicator, interval: interval)
      try watch.verify("at the start")
      if communicator.rank == odd { corrupt(store) }
      for step in steps { try watch.verify(afterStep: step) {} }
    }
  }

  @Test func oneFlippedBitIsFoundAtTheNextLook() {
    for odd in 0..<3 {
      let error = #expect(throws: Disagreement.self) {
        try Self.run(corrupting: odd, interval: 4, steps: 1...9) {
          $0.values.bytes[$0.values.bytes.count / 2] ^= 1
        }
      }
      #expect(error?.oddRanks == [odd] && error?.oddHosts == ["thread\(odd)"])
      #expect(error?.subject == "parameters after step 4")
    }
  }

  @Test func runningStatisticsCountToo() {
    let error = #expect(throws: Disagreement.self) {
      try Self.run(corrupting: 1, interval: 1, steps: 7...7) { $0.buffers.bytes[0] ^= 1 }
    }
    #expect(error?.subject == "running statistics after step 7")
  }

  @Test func nobodyLooksUnlessAsked() throws {
    try Self.run(corrupting: 1, interval: 0, steps: 1...20) { $0.values.bytes[0] ^= 1 }
    try Self.run(corrupting: 1, interval: 21, steps: 1...20) { $0.values.bytes[0] ^= 1 }
  }
}
