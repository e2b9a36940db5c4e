import Core
import Distributed
import TestSupport
import Testing

/// A fixture file that is one dictionary of tensors.
struct TorchFixture {
  private let tensors: [String: TorchTensor]
  private let file: String

  init(_ file: String) throws {
    self.file = file
    var tensors: [String: TorchTensor] = [:]
    for entry in try TorchArchive.read(path: Fixtures.path(file)).entries ?? [] {
      if let key = entry.key.text, case .tensor(let tensor) = entry.value { tensors[key] = tensor }
    }
    self.tensors = tensors
  }

  /// The tensor called `name`.
  func tensor(_ name: String) throws -> TorchTensor {
    guard let tensor = tensors[name] else {
      throw GoldenError(description: "\(file): no tensor '\(name)'")
    }
    return tensor
  }

  /// The elements of a floating-point or integer tensor.
  func values(_ name: String) throws -> [Float] {
    let tensor = try tensor(name)
    guard let values = tensor.floats ?? tensor.integers?.map({ Float($0) }) else {
      throw GoldenError(description: "\(file): '\(name)' holds neither floats nor integers")
    }
    return values
  }

  /// The elements of a floating-point tensor in float64.
  func numbers(_ name: String) throws -> [Double] { try tensor(name).doubles ?? [] }

  /// The elements of an integer tensor, as labels.
  func labels(_ name: String) throws -> [Int32] {
    (try tensor(name).integers ?? []).map { Int32($0) }
  }

  /// Images [N, C, H, W], as the engine's.
  func images(_ name: String) throws -> Tensor {
    let sizes = try tensor(name).shape
    let shape = Shape(batch: sizes[0], height: sizes[2], width: sizes[3], channels: sizes[1])
    return Tensor(nchw: try values(name), shape)
  }

  /// The elements of every tensor whose name begins with `prefix`, by the rest of their names.
  func all(_ prefix: String) throws -> [String: [Float]] {
    let names = tensors.keys.filter { $0.hasPrefix(prefix) }
    return try Dictionary(
      uniqueKeysWithValues: names.map { (String($0.dropFirst(prefix.count)), try values($0)) })
  }

  /// The tensors whose names begin with `prefix`, as a state_dict in no particular order.
  func state(_ prefix: String) throws -> StateDict {
    StateDict(
      try tensors.filter { $0.key.hasPrefix(prefix) }.map { name, tensor in
        let values: StateDict.Values =
          if let integers = tensor.integers {
            .int64(integers)
          } else {
            .float32(try self.values(name))
          }
        return StateDict.Entry(
          name: String(name.dropFirst(prefix.count)), shape: tensor.shape, values: values)
      })
  }
}

/// Expects every tensor of `expected` within `relative` of the one called the same in `actual`.
func expectAllClose(
  _ actual: [String: [Float]], _ expected: [String: [Float]], relative: Double, _ what: String
) {
  for (name, values) in expected {
    expectClose(actual[name] ?? [], values, relative: relative, "\(what): \(name)")
  }
}
