import Core
import Distributed
import TestSupport
import Testing

/// ssba's encoder and decoder, and two steps of their training, as the original code computed them.
@Suite(.enabled(if: Fixtures.available(for: "StegaFixtureTests")))
struct StegaFixtureTests {
  private let context = ComputeContext(threads: 2)

  private func fingerprints(_ values: [Float], _ bits: Int) -> Tensor {
    Tensor(
      Shape(batch: values.count / bits, height: 1, width: 1, channels: bits),
      in: FloatBuffer(values))
  }

  @Test(arguments: [1, 100]) func forwardEqualsTheOriginals(bits: Int) throws {
    let file = try DataAttackFixture("ssba/forward.pt")
    let fixture = try file("\(bits)")
    let positions = try file("train_index").integers
    let images = Tensor(
      try DataAttackFixture.trainingImages(positions), at: Array(positions.indices))
    let encoder = StegaEncoder(bits: bits, height: 32, width: 32)
    let decoder = StegaDecoder(bits: bits, height: 32, width: 32)
    for (store, key, salt) in [
      (encoder.store, "encoder_names_shapes", 7), (decoder.store, "decoder_names_shapes", 8),
    ] {
      let recorded = (try fixture(key).value.entries ?? []).map { entry in
        "\(entry.key.text ?? "") \(entry.value.items?.compactMap(\.integer) ?? [])"
      }
      #expect(store.plan.parameters.map { "\($0.name) \($0.shape)" } == recorded)
      DataAttackFixture.fill(store, salt: salt)
    }
    let strings = fingerprints(try fixture("fingerprint").floats, bits)
    let encoded = encoder.forward(strings, images, context: context)
    expectClose(encoded.nchw, try fixture("encoded").floats, relative: 1e-5, "encoded")
    let logits = decoder.forward(encoded, context: context)
    expectClose(logits.array, try fixture("decoded_logits").floats, relative: 1e-5, "logits")
  }

  @Test func theOutputIsAddedToTheImageWhereThatIsWanted() throws {
    let file = try DataAttackFixture("ssba/forward.pt")
    let positions = try file("train_index").integers
    let images = Tensor(
      try DataAttackFixture.trainingImages(positions), at: Array(positions.indices))
    let encoder = StegaEncoder(bits: 100, height: 32, width: 32, addsResidual: true)
    DataAttackFixture.fill(encoder.store, salt: 7)
    let strings = fingerprints(try file("100", "fingerprint").floats, 100)
    let sum = encoder.forward(strings, images, context: context)
    let added = zip(sum.nchw, images.nchw).map { $0 - $1 }
    expectClose(
      added, try file("100", "residual_mode_output").floats, relative: 1e-4, "what is added")
  }

  @Test func twoStepsEqualTheOriginals() throws {
    let fixture = try DataAttackFixture("ssba/steps.pt")
    let encoder = StegaEncoder(bits: 100, height: 32, width: 32)
    let decoder = StegaDecoder(bits: 100, height: 32, width: 32)
    DataAttackFixture.fill(encoder.store, salt: 7)
    DataAttackFixture.fill(decoder.store, salt: 8)
    var settings = StegaSettings()
    settings.learningRate = try fixture("lr").number
    settings.imageWeight = try fixture("l2_loss_weight").number
    settings.wait = Int(try fixture("l2_loss_await").number)
    settings.ramp = Int(try fixture("l2_loss_ramp").number)
    let training = StegaTraining(
      encoder: encoder, decoder: decoder, settings: settings, communicator: SoloCommunicator(),
      context: context)
    for index in 0..<2 {
      let recorded = try fixture("batches", "\(index)")
      let images = try recorded("x_u8").images { byte, _ in Float(byte) / 255 }
      let outcome = try training.step(
        fingerprints(try recorded("fingerprint").floats, 100), images, globalCount: 8)
      expectClose(outcome.loss, try recorded("total").number, relative: 1e-5, "loss \(index)")
      let gradients = encoder.store.parameterGradients().mapKeys { "E.\($0)" }
        .merging(decoder.store.parameterGradients().mapKeys { "D.\($0)" }) { $1 }
      try recorded("grad").expectDigests(of: gradients, relative: 1e-4, "gradient \(index)")
    }
    try fixture("encoder_final").expectDigests(
      of: encoder.store.valuesByName, relative: 1e-5, "encoder")
    try fixture("decoder_final").expectDigests(
      of: decoder.store.valuesByName, relative: 1e-5, "decoder")
  }

  /// The sums of each step are those of one rank, whatever their number.
  @Test func ranksTrainTheSameEncoder() throws {
    let alone = try trained(ranks: 1)
    #expect(alone.count > 0)
    for ranks in [2, 3] {
      #expect(try trained(ranks: ranks) == alone, "\(ranks) ranks")
    }
  }

  private func trained(ranks: Int) throws -> [Float] {
    let images = LabeledImages(
      pixels: (0..<6 * 3072).map { UInt8(truncatingIfNeeded: $0 &* 97 >> 3) },
      labels: [Int](repeating: 0, count: 6), height: 32, width: 32, classNames: ["0"])
    let results = try LocalGroup.run(worldSize: ranks) { communicator in
      let encoder = StegaEncoder(bits: 4, height: 32, width: 32)
      let decoder = StegaDecoder(bits: 4, height: 32, width: 32)
      DataAttackFixture.fill(encoder.store, salt: 7)
      DataAttackFixture.fill(decoder.store, salt: 8)
      let training = StegaTraining(
        encoder: encoder, decoder: decoder, settings: StegaSettings(), communicator: communicator,
        context: ComputeContext(threads: 1))
      let share =
        communicator.rank * 6 / ranks..<(communicator.rank + 1) * 6 / ranks
      let strings = Tensor(
        Shape(batch: share.count, height: 1, width: 1, channels: 4),
        in: FloatBuffer(share.flatMap { [Float($0 % 2), 1, 0, Float($0 / 3)] }))
      for _ in 0..<2 {
        _ = try training.step(
          strings, Tensor(images, at: share), globalCount: 6, start: share.lowerBound)
      }
      return encoder.store.values.array
    }
    return results[0]
  }
}

extension Dictionary where Key == String {
  fileprivate func mapKeys(_ change: (String) -> String) -> [String: Value] {
    Dictionary(uniqueKeysWithValues: map { (change($0), $1) })
  }
}
