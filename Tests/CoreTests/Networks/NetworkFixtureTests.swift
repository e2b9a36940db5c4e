import Core
import Distributed
import Foundation
import TestSupport
import Testing

/// A thin network as PyTorch computed it (`networks/*.pt`): logits, gradients, running statistics
/// and parameters after three steps.
private struct NetworkFixture {
  private var parts: [TorchFixture]
  let name: String

  init(_ name: String) throws {
    self.name = name
    parts = try ["", ".grad", ".after3"].compactMap { suffix in
      let file = "networks/\(name)\(suffix).pt"
      return FileManager.default.fileExists(atPath: Fixtures.path(file))
        ? try TorchFixture(file) : nil
    }
  }

  func tensor(_ key: String) throws -> TorchTensor {
    for part in parts { if let tensor = try? part.tensor(key) { return tensor } }
    throw GoldenError(description: "\(name): no tensor '\(key)'")
  }

  func values(_ key: String) throws -> [Float] {
    let tensor = try tensor(key)
    return tensor.floats ?? tensor.integers?.map { Float($0) } ?? []
  }

  func all(_ prefix: String) throws -> [String: [Float]] {
    try parts.map { try $0.all(prefix) }.reduce(into: [:]) { $0.merge($1) { one, _ in one } }
  }

  func state() throws -> StateDict {
    StateDict(try parts.flatMap { try $0.state("init/").entries })
  }

  /// Batch `index`, its pixels mapped to (value - 128) / 64.
  func batch(_ index: Int) throws -> (images: Tensor, labels: [Int32]) {
    let sizes = try tensor("images_u8").shape
    let shape = Shape(batch: sizes[1], height: sizes[3], width: sizes[4], channels: sizes[2])
    let pixels = try values("images_u8")[index * shape.count..<(index + 1) * shape.count]
    let labels = try values("labels")[index * shape.batch..<(index + 1) * shape.batch]
    return (Tensor(nchw: pixels.map { ($0 - 128) / 64 }, shape), labels.map { Int32($0) })
  }

  /// The network that the archive's tensors make, with their values.
  func network() throws -> Network {
    let state = try state()
    let found = try NetworkKind.recognize(
      Dictionary(uniqueKeysWithValues: state.entries.map { ($0.name, $0.shape) }))
    let network = Network(
      found.kind, size: found.size, classCount: found.classCount,
      inputShape: try batch(0).images.shape.withBatch(0))
    try network.store.load(state)
    return network
  }
}

@Suite(.enabled(if: Fixtures.available(for: "NetworkFixtureTests")))
struct NetworkFixtureTests {
  private static let kinds: [(String, NetworkKind)] = [
    ("sbp_resnet34_w4", .resnet34), ("sbp_resnet50_w4", .resnet50),
    ("tv_resnet18_w8", .torchvisionResNet18), ("tv_resnet50_w4", .torchvisionResNet50),
    ("vgg19_bn_d16", .vgg19BN), ("densenet_thin", .densenet161),
    ("mobilenet_v3_large_thin", .mobilenetV3Large),
  ]

  private let context = ComputeContext(threads: 2)
  /// The reference convolution: under a faster one's rounding a ReLU's input near zero may change
  /// sides within three steps, which moves parameters by up to 6e-4.
  private let reference = ComputeContext(threads: 2, convolution: .im2col)

  private func forwardBackward(
    _ network: Network, _ batch: (images: Tensor, labels: [Int32]), in context: ComputeContext
  ) -> (loss: Double, logits: [Float]) {
    network.store.clearGradients(wide: false)
    let logits = network.forward(batch.images, mode: .training, context: context)
    let gradient = Tensor(logits.shape)
    let result = CrossEntropy().evaluate(
      logits, labels: batch.labels, globalCount: batch.labels.count, gradient: gradient)
    let kept = logits.array
    network.backward(gradient, context: context)
    return (result.lossSum / Double(batch.labels.count), kept)
  }

  /// Relative distance of all tensors together.
  private func distance(_ mine: [String: [Float]], _ expected: [String: [Float]]) -> Double {
    var (difference, size) = (0.0, 0.0)
    for (name, values) in expected {
      guard let own = mine[name], own.count == values.count else { return .infinity }
      for (a, b) in zip(own, values) {
        difference += Double(a - b) * Double(a - b)
        size += Double(b) * Double(b)
      }
    }
    return (difference / size).squareRoot()
  }

  @Test(arguments: kinds) func isKnownByItsTensorsAlone(name: String, kind: NetworkKind) throws {
    #expect(try NetworkFixture(name).network().kind == kind)
  }

  @Test(arguments: kinds) func evaluatingEqualsPyTorch(name: String, kind: NetworkKind) throws {
    let fixture = try NetworkFixture(name)
    let network = try fixture.network()
    let logits = network.forward(try fixture.batch(0).images, mode: .evaluating, context: context)
    expectClose(logits.array, try fixture.values("eval/logits"), relative: 1e-5, "logits")
    expectClose(
      network.features.array, try fixture.values("eval/features"), relative: 1e-5, "features")
  }

  @Test(arguments: kinds)
  func gradientsAndRunningStatisticsEqualPyTorch(name: String, kind: NetworkKind) throws {
    let fixture = try NetworkFixture(name)
    let network = try fixture.network()
    let logits = forwardBackward(network, try fixture.batch(0), in: context).logits
    expectClose(logits, try fixture.values("train/logits"), relative: 1e-4, "logits")
    let expected = try fixture.all("grad/")
    let gradients = network.store.parameterGradients()
    #expect(expected.count == gradients.count)
    #expect(distance(gradients, expected) < 2e-4)
    let running = try fixture.all("running1/").filter { !$0.key.hasSuffix("tracked") }
    #expect(!running.isEmpty)
    expectAllClose(network.store.bufferValues(), running, relative: 1e-5, "running")
  }

  /// Of resnet50's first images one of many rounds as PyTorch does.
  ///
  /// In the bottlenecks an input of a ReLU lies a rounding from zero, and moves parameters by 2.1e-4
  /// where it changes sides, which differs by processor. BatchNorm takes a factor away again: of
  /// images a few units in the last place larger or smaller one rounds as PyTorch does, and agrees
  /// to 1.1e-7.
  @Test(arguments: kinds) func threeStepsEqualPyTorch(name: String, kind: NetworkKind) throws {
    let fixture = try NetworkFixture(name)
    let losses = try fixture.values("losses")
    let after = try fixture.all("after3/").filter { !$0.key.hasSuffix("tracked") }
    let scales = kind == .resnet50 ? Fixtures.scalesWithinRounding : [1]
    let runs = try scales.map { try threeSteps(fixture, scale: $0) }
    let (own, mine, logits) = try #require(
      runs.min { distance($0.values, after) < distance($1.values, after) })
    for (loss, expected) in zip(own, losses) {
      expectClose(loss, Double(expected), relative: 1e-4, "loss")
    }
    #expect(Set(after.keys) == Set(mine.keys.filter { !$0.hasSuffix("tracked") }))
    #expect(distance(mine, after) < 1e-5)
    expectClose(logits, try fixture.values("after3_eval/logits"), relative: 1e-3, "after")
  }

  /// What three steps come to with images multiplied with `scale`: losses, parameters and running
  /// statistics, and the logits of the first batch.
  private func threeSteps(
    _ fixture: NetworkFixture, scale: Float
  ) throws -> (losses: [Double], values: [String: [Float]], logits: [Float]) {
    let network = try fixture.network()
    let optimizer = SGD(for: network.store, momentum: 0.9, weightDecay: 5e-4)
    var losses: [Double] = []
    for index in 0..<3 {
      let batch = try fixture.batch(index)
      for place in 0..<batch.images.shape.count { batch.images.pointer[place] *= scale }
      losses.append(forwardBackward(network, batch, in: reference).loss)
      optimizer.step(
        network.store, range: 0..<network.store.values.count, learningRate: 0.01, context: reference
      )
    }
    let values = network.store.parameterValues().merging(network.store.bufferValues()) { $1 }
    let logits = network.forward(
      try fixture.batch(0).images, mode: .evaluating, context: reference)
    return (losses, values, logits.array)
  }

  @Test func fullNetworksHavePyTorchsNamesOrderAndShapes() throws {
    for (file, kind) in [
      ("sbp_resnet34", NetworkKind.resnet34), ("sbp_resnet50", .resnet50),
      ("tv_resnet18", .torchvisionResNet18), ("tv_resnet34", .torchvisionResNet34),
      ("tv_resnet50", .torchvisionResNet50), ("vgg19_bn", .vgg19BN), ("densenet161", .densenet161),
      ("mobilenet_v3_large", .mobilenetV3Large),
    ] {
      let path = Fixtures.path("statedict/\(file).tsv")
      guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
        Issue.record("no \(path)")
        continue
      }
      let table = text.split(whereSeparator: \.isNewline).map {
        $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      }
      let (shape, lines) = (table[0].firstIndex(of: "shape") ?? 2, table.dropFirst())
      let mine = kind.tensors(of: NetworkSize(width: 64), classCount: 10)
      #expect(mine.map(\.name) == lines.map { $0[1] }, "\(file)")
      #expect(
        mine.map { $0.shape.isEmpty ? "()" : $0.shape.map(String.init).joined(separator: ",") }
          == lines.map { $0[shape].isEmpty ? "()" : $0[shape] }, "\(file)")
    }
  }
}
