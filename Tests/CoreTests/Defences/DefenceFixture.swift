import Core
import Distributed
import Foundation
import TestSupport
import Testing

/// A golden file of a defence, as the original code or a plain loop of its rules came to it.
struct DefenceFixture {
  private let root: PickleValue
  private let file: String

  init(_ file: String) throws {
    self.file = file
    root = try TorchArchive.read(path: Fixtures.path("defences/\(file)"))
  }

  /// What stands under the keys of `path`, one inside the other.
  func value(_ path: String...) throws -> PickleValue {
    try path.reduce(root) { value, key in
      guard let next = value[key] else {
        throw GoldenError(description: "\(file): nothing under \(path)")
      }
      return next
    }
  }

  /// The numbers of the tensor under `path`.
  func numbers(_ path: String...) throws -> [Double] {
    try Self.numbers(path.reduce(root) { $0[$1] ?? .none }, "\(file): \(path)")
  }

  static func numbers(_ value: PickleValue, _ what: String) throws -> [Double] {
    switch value {
    case .tensor(let tensor):
      if let values = tensor.doubles ?? tensor.integers?.map({ Double($0) }) { return values }
    case .list(let items), .tuple(let items):
      return items.compactMap { item in
        if case .int(let value) = item { Double(value) } else { item.number }
      }
    default: break
    }
    throw GoldenError(description: "no numbers in \(what)")
  }

  /// The same as floats.
  func floats(_ path: String...) throws -> [Float] {
    try Self.numbers(path.reduce(root) { $0[$1] ?? .none }, "\(file): \(path)").map { Float($0) }
  }

  /// Row `index` of the tensor [rows, columns] under `key`.
  func row(_ key: String, _ index: Int) throws -> [Float] {
    guard case .tensor(let tensor) = try value(key) else { return [] }
    let columns = tensor.shape[1]
    return Array(try floats(key)[index * columns..<(index + 1) * columns])
  }

  /// Expects the tensors under `path` in `actual` (PyTorch's layout), each element within
  /// `relative` of the tensor's root mean square; `ofKnown` leaves out those that are not there.
  func expectDigests(
    _ actual: [String: [Float]], _ path: String..., relative tolerance: Double,
    ofKnown: Bool = false
  ) throws {
    let entries = try path.reduce(root) { $0[$1] ?? .none }.entries
    let found = try #require(entries, "\(file): \(path)")
    #expect(!found.isEmpty)
    for entry in found {
      let name = entry.key.text ?? ""
      if name.hasSuffix("num_batches_tracked") || ofKnown && actual[name] == nil { continue }
      let error = try Self.distance(actual[name] ?? [], from: entry.value, name)
      #expect(error <= tolerance, "\(file), \(path), \(name) is off by \(error)")
    }
  }

  /// The largest distance of the elements that `digest` knows, in units of the root mean square.
  static func distance(
    _ actual: [Float], from digest: PickleValue, _ what: String
  ) throws -> Double {
    var (expected, places) = ([Double](), [Int]())
    if digest.entries == nil {
      expected = try numbers(digest, what)
      places = Array(expected.indices)
      if actual.count != expected.count { return .infinity }
    } else {
      let first = try numbers(digest["first"] ?? .none, what)
      let strided = try numbers(digest["strided"] ?? .none, what)
      let stride = digest["stride"]?.integer ?? 1
      let count = try numbers(digest["shape"] ?? .none, what).reduce(1, *)
      if Double(actual.count) != count { return .infinity }
      expected = first + strided
      places = Array(first.indices) + strided.indices.map { $0 * stride }
    }
    let squares = actual.reduce(0.0) { $0 + Double($1) * Double($1) }
    let scale = max((squares / Double(max(actual.count, 1))).squareRoot(), 1e-12)
    var largest = 0.0
    for (place, value) in zip(places, expected) {
      largest = max(largest, abs(Double(actual[place]) - value) / scale)
    }
    // The whole tensor, by its norm and by a sum in which every element has another weight.
    guard let length = digest["l2"]?.number, let dot = digest["dot"]?.number else { return largest }
    let mine = actual.enumerated().reduce(0.0) {
      $0 + Double($1.element) * Foundation.cos(0.01 * Double($1.offset))
    }
    let norm = max(length, 1e-12)
    return max(largest, abs(squares.squareRoot() - length) / norm, abs(mine - dot) / norm)
  }
}

/// The model and the batches that the defences' golden files were made with.
enum DefenceData {
  /// The attacked ResNet18 of 16 planes, or another state of it.
  ///
  /// With the reference convolution: under a faster one's rounding a ReLU's input near zero may change
  /// sides, after which runs part.
  static func model(_ archive: String = "attack_result.pt") throws -> ThinModel {
    let thin = ThinModel(.resnet18, width: 16, convolution: .im2col)
    let path = Fixtures.path("badnet_thin16/\(archive)")
    let state =
      archive == "attack_result.pt"
      ? try AttackResult.read(path: path).model : try DefenseResult.read(path: path).model
    try thin.store.load(state)
    return thin
  }

  /// The six batches of `common/batches.pt`.
  static func batches() throws -> [Batch] {
    let fixture = try TorchFixture("defences/common/batches.pt")
    var start = 0
    return try fixture.labels("batch_sizes").map { size in
      defer { start += Int(size) }
      let range = start..<start + Int(size)
      return ThinModel.LabeledBatch(
        images: try images(fixture, "x_u8", range),
        labels: Array(try fixture.labels("labels")[range])
      ).batch
    }
  }

  /// 8-bit images `range` of `name` [N, 3, 32, 32], normalised as CIFAR-10.
  static func images(_ fixture: TorchFixture, _ name: String, _ range: Range<Int>) throws -> Tensor
  {
    let shape = Shape(batch: range.count, height: 32, width: 32, channels: 3)
    let (table, plane) = (Normalization.cifar10.table, 32 * 32)
    let bytes = try fixture.tensor(name).integers ?? []
    let values = bytes[range.lowerBound * 3 * plane..<range.upperBound * 3 * plane].enumerated()
      .map { index, byte in table[index / plane % 3 * 256 + Int(byte)] }
    return Tensor(nchw: values, shape)
  }

  /// The tensors of the pre-activation student, or of its teacher.
  static func preActivation(_ name: String) throws -> [StateDict.Entry] {
    let file = "preact8_\(name).pt"
    let value = try TorchArchive.read(path: Fixtures.path("defences/nad/\(file)"))
    return try StateDict(
      value[name] ?? value["\(name)_parameters"] ?? .none, file: file, place: name
    ).entries
  }

  /// A network of its own with the state of `thin`.
  static func copy(_ thin: ThinModel) throws -> ThinModel {
    let twin = ThinModel(
      thin.model.kind, width: thin.model.size.width, convolution: .im2col)
    try twin.store.load(thin.store.stateDict())
    return twin
  }

  /// Positions in all channels as pairs of layer and channel, in that order.
  static func pairs(_ flat: [Double]) -> [[Int]] {
    stride(from: 0, to: flat.count, by: 2).map { [Int(flat[$0]), Int(flat[$0 + 1])] }
  }
}
