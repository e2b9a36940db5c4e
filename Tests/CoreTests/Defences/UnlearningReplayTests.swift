import Core
import Distributed
import TestSupport
import Testing

/// The original code's runs of ra, i-bau and pam, replayed batch by batch.
@Suite(.enabled(if: Fixtures.available(for: "UnlearningReplayTests")))
struct UnlearningReplayTests {
  @Test func retuningEndsInTheRecordedModel() throws {
    let (flat, fixture) = (
      try TorchFixture("defences/ra/replay.pt"), try DefenceFixture("ra/replay.pt")
    )
    let thin = try DefenceData.model("fst_defense_result.pt")
    let step = ClassifierStep(
      model: thin.model, optimizer: SGD(for: thin.store, momentum: 0.9, weightDecay: 0),
      loss: CrossEntropy(), largestShare: 64, communicator: SoloCommunicator(),
      context: thin.context)
    let (losses, labels) = (try flat.numbers("loss"), try flat.labels("labels"))
    var start = 0
    for (index, size) in try flat.labels("batch_sizes").enumerated() {
      let range = start..<start + Int(size)
      start = range.upperBound
      let batch = ThinModel.LabeledBatch(
        images: try DefenceData.images(flat, "x_u8", range), labels: Array(labels[range])
      ).batch
      let result = try step.run(batch, at: Moment(learningRate: 0.01))
      expectClose(
        result.crossEntropy.lossSum / Double(size), losses[index], relative: 1e-5, "loss \(index)")
    }
    try fixture.expectDigests(thin.state(), "final", relative: 2e-4)
  }

  /// What the first order leaves out is 0.014 % of the gradient here.
  @Test(arguments: [false, true])
  func implicitUnlearningEqualsTheRecordedRun(isFirstOrder: Bool) throws {
    let fixture = try DefenceFixture("i-bau/replay.pt")
    let thin = try DefenceData.model()
    let step = ImplicitUnlearningStep(
      thin.model, settings: ImplicitUnlearning(), images: nil,
      optimizer: Adam(for: thin.store, amsgrad: true), communicator: SoloCommunicator(),
      context: thin.context)
    let batches = try bigBatches(try fixture.numbers("batch_sizes").map { Int($0) })
    if !isFirstOrder { step.takeInnerBatch(batches[0]) }
    let positions = try #require(try fixture.value("rand_idx").items)
    let size = 3 * 32 * 32
    let (found, gradients) = (try fixture.floats("pert"), try fixture.floats("pert_grad"))
    for round in 0..<2 {
      step.forget()
      for (index, batch) in batches.enumerated() {
        let number = 2 * round + index
        let (entropy, gradient) = try step.find(batch, at: Moment(learningRate: 0))
        expectClose(
          entropy, try fixture.numbers("inner_ce")[number], relative: 1e-4, "inner \(number)")
        expectClose(
          planes(gradient), Array(gradients[number * size..<(number + 1) * size]), relative: 1e-2,
          "gradient \(number)")
        expectClose(
          planes(step.currentChange), Array(found[number * size..<(number + 1) * size]),
          relative: 1e-2, "change \(number)")
      }
      for (index, batch) in batches.enumerated() {
        let number = 2 * round + index
        let chosen = try DefenceFixture.numbers(positions[number], "positions").map { Int($0) }
        let outcome = try step.unlearn(batch, changing: chosen, at: Moment(learningRate: 1e-4))
        expectClose(
          outcome.crossEntropy.lossSum / Double(batch.count),
          try fixture.numbers("loss_outer")[number], relative: 1e-4, "outer \(number)")
        if number == 0 && !isFirstOrder {
          try fixture.expectDigests(named(gradientsOf: thin.store), "hypergrad0", relative: 1e-3)
        }
        let squares = thin.store.gradients.array.reduce(0.0) { $0 + Double($1) * Double($1) }
        expectClose(
          squares.squareRoot(), try fixture.numbers("hypergrad_norm")[number], relative: 1e-3,
          "norm \(number)")
      }
    }
    let head = thin.state()["linear.weight"] ?? []
    let digest = try fixture.value("final", "linear.weight")
    #expect(try DefenceFixture.distance(head, from: digest, "head") < 1e-4)
  }

  @Test func pathAwareStepsEqualTheRecordedOnes() throws {
    let fixture = try DefenceFixture("pam/replay.pt")
    let thin = try DefenceData.model()
    let step = PathAwareStep(
      thin.model, attacked: thin.store.values.array, triggers: [],
      settings: PathAwareMinimization(), normalization: .cifar10,
      optimizer: SGD(for: thin.store, momentum: 0.1, weightDecay: 0),
      communicator: SoloCommunicator(), context: thin.context)
    let (losses, distances) = (try fixture.numbers("loss"), try fixture.numbers("difference_norm"))
    let replaced = try #require(try fixture.value("replaced").items)
    let generated = try #require(try fixture.value("generated").items)
    for (index, batch) in try DefenceData.batches().enumerated() {
      let images = FloatBuffer(count: batch.images.count)
      images.pointer.update(from: batch.images.pointer, count: images.count)
      let values = try DefenceFixture.numbers(generated[index], "generated").map { Float($0) }
      let positions = try DefenceFixture.numbers(replaced[index], "replaced").map { Int($0) }
      let shape = Shape(batch: positions.count, height: 32, width: 32, channels: 3)
      let others = Tensor(nchw: values, shape)
      for (row, position) in positions.enumerated() {
        (images.pointer + position * 3072).update(from: others.pointer + row * 3072, count: 3072)
      }
      let outcome = try step.run(batch, images: images, at: Moment(learningRate: 0.01))
      let tolerance = index == 0 ? 1e-5 : 1e-3
      expectClose(
        outcome.crossEntropy.lossSum / Double(batch.count), losses[index], relative: tolerance,
        "loss \(index)")
      #expect(abs(step.distance - distances[index]) <= 1e-3 * max(distances[index], 1e-3))
    }
    let head = thin.state()["linear.weight"] ?? []
    let digest = try fixture.value("final", "linear.weight")
    #expect(try DefenceFixture.distance(head, from: digest, "head") < 1e-3)
  }

  /// The gradients by name, in PyTorch's layout.
  private func named(gradientsOf store: ParameterStore) -> [String: [Float]] {
    // The store names and lays out its values; the gradients stand in their place for a moment.
    let values = store.values.array
    store.values.pointer.update(from: store.gradients.pointer, count: values.count)
    defer { store.values.pointer.update(from: values, count: values.count) }
    return store.parameterValues()
  }

  /// [C, H, W] of a tensor [H, W, C].
  private func planes(_ values: [Float]) -> [Float] {
    (0..<3).flatMap { channel in (0..<values.count / 3).map { values[$0 * 3 + channel] } }
  }

  /// The images of the common batches, in order, in batches of other sizes.
  private func bigBatches(_ sizes: [Int]) throws -> [Batch] {
    let flat = try TorchFixture("defences/common/batches.pt")
    var start = 0
    return try sizes.map { size in
      let range = start..<start + size
      start += size
      return ThinModel.LabeledBatch(
        images: try DefenceData.images(flat, "x_u8", range),
        labels: Array(try flat.labels("labels")[range])
      ).batch
    }
  }
}
