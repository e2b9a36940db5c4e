import Core
import Distributed
import TestSupport
import Testing

/// qra's noise against the original's (`qra/replay.pt`).
@Suite(.enabled(if: Fixtures.available(for: "ReactivationStepTests")))
struct ReactivationStepTests {
  @Test func replayedStepsEqualTheOriginals() throws {
    let (flat, fixture) = (
      try TorchFixture("defences/qra/replay.pt"), try DefenceFixture("qra/replay.pt")
    )
    let purified = try DefenceData.model("fst_defense_result.pt")
    let noise = ReactivationNoise(
      images: purified.model.inputShape, strength: 16.0 / 255, normalization: .cifar10,
      context: purified.context)
    let store = noise.generator.store
    fill(store)
    try fixture.expectDigests(named(store), "init_digest", relative: 1e-6)
    let step = ReactivationStep(
      noise, purified: purified.model, retuned: try DefenceData.model().model,
      clean: try DefenceData.model("ft_defense_result.pt").model, weight: 0.2,
      optimizer: SGD(for: store, momentum: 0.9, weightDecay: 0),
      communicator: SoloCommunicator(), context: purified.context)
    let labels = try flat.labels("label_true")
    let (divergences, entropies) = (
      try fixture.numbers("kl"), try fixture.numbers("ce_clean_model")
    )
    var start = 0
    for (index, size) in try flat.labels("batch_sizes").enumerated() {
      let range = start..<start + Int(size)
      start = range.upperBound
      let batch = ThinModel.LabeledBatch(
        images: try DefenceData.images(flat, "x_u8", range), labels: Array(labels[range])
      ).batch
      let outcome = try step.run(batch, at: Moment(learningRate: 0.1))
      expectClose(step.divergence, divergences[index], relative: 1e-4, "divergence \(index)")
      expectClose(
        outcome.crossEntropy.lossSum / Double(size), entropies[index], relative: 1e-4,
        "cross-entropy \(index)")
    }
    try fixture.expectDigests(named(store), "final_digest", relative: 1e-4)
    let images = try DefenceData.images(flat, "x_u8", 0..<4)
    let changed = noise.apply(to: images, mode: .evaluating)
    let deviation = Normalization.cifar10.standardDeviation
    let found = (0..<changed.shape.count).map { place in
      (changed.pointer[place] - images.pointer[place]) * deviation[place % 3]
    }
    #expect(found.allSatisfy { abs($0) <= 16.0 / 255 + 1e-5 })
  }

  private let size = 3 * 32 * 32

  /// Where value `place` of [C, H, W] stands in [H, W, C].
  private func pixel(_ place: Int) -> Int { place % 1024 * 3 + place / 1024 }

  /// The start values that the golden file was made from.
  private func fill(_ store: ParameterStore) {
    for (number, slot) in store.plan.parameters.enumerated() {
      let bound = 1 / Float(number < 2 ? 3072 : 1024).squareRoot()
      let values = store.value(slot)
      for element in 0..<slot.count {
        var z = UInt64(number) << 32 &+ UInt64(element) &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        let value = (2 * Double(z >> 40) / 16_777_216 - 1) * Double(bound)
        values[place(element, in: number)] = Float(value)
      }
    }
  }

  /// Where PyTorch's element of tensor `number` stands here.
  private func place(_ element: Int, in number: Int) -> Int {
    switch number {
    case 0: element / size * size + pixel(element % size)
    case 6: pixel(element / 1024) * 1024 + element % 1024
    case 7: pixel(element)
    default: element
    }
  }

  /// The parameters in PyTorch's order.
  private func named(_ store: ParameterStore) -> [String: [Float]] {
    var result: [String: [Float]] = [:]
    for (number, slot) in store.plan.parameters.enumerated() {
      let values = store.value(slot)
      result[slot.name] = (0..<slot.count).map { values[place($0, in: number)] }
    }
    return result
  }
}
