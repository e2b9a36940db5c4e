import Core
import Distributed
import Foundation
import TestSupport
import Testing

/// A fixture of an attack: nested dictionaries and lists, as the original code filled them.
struct DataAttackFixture {
  let value: PickleValue

  init(_ file: String) throws {
    value = try TorchArchive.read(path: Fixtures.path("attacks/\(file)"))
  }

  private init(_ value: PickleValue) { self.value = value }

  /// The entry at `path`: keys, and numbers for places in lists and for keys that are numbers.
  func callAsFunction(_ path: String...) throws -> DataAttackFixture {
    var found = value
    for key in path {
      let next =
        found[key]
        ?? found.entries?.first {
          $0.key.number.map { number in Double(key) == number } ?? false
        }?.value ?? Int(key).flatMap { index in found.items.map { $0[index] } }
      guard let next else { throw GoldenError(description: "no '\(key)' of \(path)") }
      found = next
    }
    return DataAttackFixture(found)
  }

  var tensor: TorchTensor {
    get throws {
      guard case .tensor(let tensor) = value else {
        throw GoldenError(description: "no tensor but \(value.typeName)")
      }
      return tensor
    }
  }
  var floats: [Float] {
    get throws { try tensor.floats ?? (tensor.integers ?? []).map { Float($0) } }
  }
  var bytes: [UInt8] { get throws { (try tensor.integers ?? []).map { UInt8($0) } } }
  var integers: [Int] {
    get throws { try value.items?.compactMap(\.integer) ?? (tensor.integers ?? []).map { Int($0) } }
  }
  var number: Double {
    get throws { try value.number ?? Double(floats[0]) }
  }
  /// Bytes [N, C, H, W] as floats of [N, H, W, C], each made by `map`.
  func images(_ map: (Int64, _ channel: Int) -> Float) throws -> Tensor {
    let tensor = try tensor
    let (sizes, plane) = (tensor.shape, tensor.shape[2] * tensor.shape[3])
    let values = (tensor.integers ?? []).enumerated().map { map($1, $0 / plane % sizes[1]) }
    return Tensor(
      nchw: values,
      Shape(batch: sizes[0], height: sizes[2], width: sizes[3], channels: sizes[1]))
  }

  /// The training images of the fixtures at `positions`: bytes of [N, H, W, 3].
  static func trainingImages(_ positions: [Int]) throws -> LabeledImages {
    let path = Fixtures.path("cifar10-subset/data_batch_1.bin")
    let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let pixels = positions.flatMap { position in
      (0..<3072).map { data[position * 3073 + 1 + $0 % 3 * 1024 + $0 / 3] }
    }
    return LabeledImages(
      pixels: pixels, labels: positions.map { Int(data[$0 * 3073]) }, height: 32, width: 32,
      classNames: (0..<10).map { "\($0)" })
  }

  // MARK: Hashed weights

  /// `count` numbers in -1...1 that depend on their position and on `t` alone.
  static func unit(_ count: Int, _ t: Int) -> [Double] {
    (0..<count).map { i in
      var h = UInt32(truncatingIfNeeded: i) &* 0x9E37_79B1
      h = h &+ UInt32(t) &* 0x85EB_CA77 &+ 0x27D4_EB2F
      h ^= h >> 15
      h = h &* 0x2C1B_3C6D
      h ^= h >> 12
      h = h &* 0x297A_2D39
      h ^= h >> 15
      return Double(h) / 0x1p31 - 1
    }
  }

  /// Fills `store` with the hashed weights of `salt`.
  static func fill(_ store: ParameterStore, salt: Int) {
    for (index, entry) in store.plan.state.enumerated() {
      guard case .parameter(let slot) = entry else { continue }
      let values = unit(slot.count, index + 1000 * salt)
      store.set(
        slot,
        to: values.map { u in
          switch slot.role {
          case .normScale: Float(1 + 0.5 * u)
          case .normShift: Float(0.5 * u)
          case .bias(let fanIn): Float(u / Double(fanIn).squareRoot())
          case .kernel, .matrix: Float(u / Double(slot.fanIn).squareRoot())
          }
        })
    }
  }

  /// Expects `actual` to have the digest at hand for each of its names: norm, first values, and all
  /// where they are there.
  func expectDigests(
    of actual: [String: [Float]], relative: Double, without left: [String] = [], _ what: String
  ) throws {
    for entry in value.entries ?? [] {
      let name = entry.key.text ?? ""
      if name.hasSuffix("num_batches_tracked") || left.contains(name) { continue }
      let (mine, digest) = (actual[name] ?? [], DataAttackFixture(entry.value))
      let norm = mine.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      expectClose(norm, try digest("norm").number, relative: relative, "\(what) \(name)")
      let first = try digest("first").floats
      expectClose(
        Array(mine.prefix(first.count)), first, relative: 20 * relative, "\(what) \(name)")
      if let all = try? digest("full").floats {
        expectClose(mine, all, relative: relative, "\(what) \(name)")
      }
    }
  }
}

extension ParameterStore {
  /// Parameters and running statistics by name, in PyTorch's layout.
  var valuesByName: [String: [Float]] {
    stateDict().entries.reduce(into: [:]) { result, entry in
      if case .float32(let values) = entry.values { result[entry.name] = values }
    }
  }
}
