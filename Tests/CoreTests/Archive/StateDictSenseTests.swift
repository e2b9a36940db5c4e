import Core
import Testing

/// Values that no training which went well comes to.
@Suite struct StateDictSenseTests {
  private func state(_ name: String, _ values: StateDict.Values, shape: [Int]) -> StateDict {
    StateDict([
      .init(name: "conv1.weight", shape: [2], values: .float32([0, 1])),
      .init(name: name, shape: shape, values: values),
    ])
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func whatIsNotFiniteIsNamed(value: Float) {
    let state = state("linear.weight", .float32([1, 2, 3, 4, value, 6]), shape: [2, 3])
    #expect(
      state.problem == "linear.weight[1, 1]: expected a finite number, found \(value); "
        + "did its training diverge?")
    #expect(throws: StateDictMismatch.self) { try state.requireSense() }
  }

  @Test func aVarianceIsNotNegative() {
    let state = state("bn1.running_var", .float32([1, -0.5]), shape: [2])
    #expect(state.problem?.hasPrefix("bn1.running_var[1]: ") == true)
    let mean = self.state("bn1.running_mean", .float32([1, -0.5]), shape: [2])
    #expect(mean.problem == nil)
  }

  @Test(arguments: [Int64.max, .min, -1, 1 << 54])
  func aCountThatTheNextBatchWouldOverflowIsRefused(count: Int64) throws {
    let state = state("bn1.num_batches_tracked", .int64([count]), shape: [])
    #expect(state.problem?.contains("found \(count)") == true)
    let model = Network(
      .resnet18, width: 1, classCount: 2,
      inputShape: Shape(batch: 0, height: 8, width: 8, channels: 3))
    var whole = model.store.stateDict()
    #expect(whole.problem == nil)
    whole.entries = whole.entries.map { entry in
      guard case .int64 = entry.values else { return entry }
      return .init(name: entry.name, shape: entry.shape, values: .int64([count]))
    }
    let error = #expect(throws: StateDictMismatch.self) { try model.store.load(whole) }
    #expect(error?.description.contains("found \(count)") == true)
    #expect(model.store.stateDict().problem == nil, "nothing is changed")
  }
}

/// Checkpoints with a right checksum and numbers that no run comes to.
@Suite struct CheckpointSenseTests {
  private static let row = [AttackDataFrame.Value](repeating: .count(1), count: 12)

  private func checkpoint() -> Checkpoint {
    Checkpoint(
      epochs: 1, samples: 10, counts: [TrainingCounts()], bucketLayout: "", settings: [],
      model: StateDict([.init(name: "a", shape: [1], values: .float32([1]))]), velocity: [0],
      rows: [Self.row])
  }

  private func problem(_ change: (inout Checkpoint) -> Void) throws -> String? {
    let scratch = try ArchiveScratch()
    var checkpoint = checkpoint()
    change(&checkpoint)
    try checkpoint.write(to: scratch.path("a.pt"))
    do {
      _ = try Checkpoint.read(path: scratch.path("a.pt"))
      return nil
    } catch {
      #expect(error is CheckpointError)
      return "\(error)"
    }
  }

  @Test func numbersOutOfReachAreNamed() throws {
    #expect(try problem { _ in } == nil)
    for number in [Int.max, .min, -1, .max / 2] {
      #expect(try problem { $0.samples = number }?.contains("samples") == true)
      #expect(try problem { $0.epochs = number }?.contains("epochs") == true)
    }
    #expect(try problem { $0.rows = [[.count(1)]] }?.contains("rows") == true)
    #expect(try problem { $0.rows = [[]] }?.contains("rows") == true)
    #expect(try problem { $0.rows = [] }?.contains("rows") == true)
    #expect(try problem { $0.velocity = [.nan] }?.contains("velocity[0]") == true)
    #expect(
      try problem {
        $0.model = StateDict([.init(name: "a", shape: [1], values: .float32([.infinity]))])
      }?.contains("a[0]") == true)
  }

  @Test func countsThatOverflowAreNamed() throws {
    for number in [Int.max, .min, -1] {
      #expect(try problem { $0.counts[0].total = number }?.contains("counts") == true)
      #expect(try problem { $0.counts[0].batches = number }?.contains("counts") == true)
    }
  }
}
