import Core
import Distributed
import Foundation
import TestSupport
import Testing

/// Models in the forms in which other programs keep them, with the logits that PyTorch has of them
/// (`checkpoints/expected.json`).
@Suite(.enabled(if: Fixtures.available(for: "CheckpointFixtureTests")))
struct CheckpointFixtureTests {
  private struct Expected: Decodable {
    var refuse: String?
    var width: Int?
    var classes: Int?
    var logits: [[Float]]?

    enum CodingKeys: String, CodingKey {
      case refuse, width, classes
      case logits = "eval_logits"
    }
  }

  private static func expected() throws -> [(name: String, row: Expected)] {
    let data = try Data(
      contentsOf: URL(fileURLWithPath: Fixtures.path("checkpoints/expected.json")))
    return try JSONDecoder().decode([String: Expected].self, from: data)
      .map { (name: $0.key, row: $0.value) }
      // Two rows are of one file's tensors.
      .filter { FileManager.default.fileExists(atPath: Fixtures.path("checkpoints/\($0.name)")) }
  }

  /// Pixels as (value - 128) / 64.
  private static func images() throws -> Tensor {
    let tensor = try TorchFixture("checkpoints/images.pt").tensor("images_u8")
    let shape = Shape(
      batch: tensor.shape[0], height: tensor.shape[2], width: tensor.shape[3],
      channels: tensor.shape[1])
    let values = (tensor.integers ?? []).map { (Float($0) - 128) / 64 }
    return Tensor(nchw: values, shape)
  }

  private func read(
    _ name: String
  ) throws -> (StateDict, network: RecognizedNetwork) {
    let model = try DefenseResult.read(path: Fixtures.path("checkpoints/\(name)")).model
    let shapes = Dictionary(uniqueKeysWithValues: model.entries.map { ($0.name, $0.shape) })
    let (network, names) = try NetworkKind.recognize(shapes, head: nil)
    return (names.own(model, of: network), network)
  }

  @Test func eachIsReadAsPyTorchReadsIt() throws {
    let rows = try Self.expected().filter { $0.row.refuse == nil }
    #expect(rows.count >= 16)
    let images = try Self.images()
    for (name, row) in rows {
      let (state, found) = try read(name)
      var size = found.size
      size.poolsStem = name.contains("with_maxpool")
      #expect(found.classCount == row.classes && size.width == row.width ?? size.width, "\(name)")
      let network = Network(
        found.kind, size: size, classCount: found.classCount,
        inputShape: images.shape.withBatch(0))
      try network.store.load(state)
      let logits = network.forward(
        images, mode: .evaluating, context: ComputeContext(threads: 1)
      ).array
      let expected = (row.logits ?? []).flatMap { $0 }
      #expect(logits.count == expected.count && !expected.isEmpty, "\(name)")
      let worst = zip(logits, expected).map { abs($0 - $1) }.max() ?? .infinity
      #expect(worst <= 1e-5, "\(name): \(worst)")
    }
  }

  @Test func whatIsNoSuchNetworkIsRefused() throws {
    let rows = try Self.expected().filter { $0.row.refuse != nil }
    #expect(rows.count == 3)
    for (name, _) in rows {
      #expect(throws: UnknownNetwork.self, "\(name)") { _ = try read(name) }
    }
  }
}
