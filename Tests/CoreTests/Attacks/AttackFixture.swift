import Core
import Distributed
import Foundation
import TestSupport
import Testing

/// A golden file of an attack as the original's code computed it (`attacks/*/*.pt`).
struct AttackFixture {
  private let value: PickleValue
  let file: String

  init(_ file: String) throws {
    self.file = file
    value = try TorchArchive.read(path: Fixtures.path("attacks/\(file)"))
  }

  private init(_ value: PickleValue, file: String) { (self.value, self.file) = (value, file) }

  /// What stands under `keys`, one after the other: names, and positions in lists.
  subscript(keys: String...) -> AttackFixture {
    get throws {
      var found = value
      for key in keys {
        let next =
          found[key]
          ?? Int(key).flatMap { number in
            found.items?[number]
              ?? found.entries?.first { $0.key.integer == number }?.value
          }
        guard let next else {
          throw GoldenError(description: "\(file): no '\(keys.joined(separator: "."))'")
        }
        found = next
      }
      return AttackFixture(found, file: "\(file) \(keys.joined(separator: "."))")
    }
  }

  var count: Int { value.items?.count ?? 0 }
  var isNone: Bool { value == .none }
  var keys: [String] { (value.entries ?? []).compactMap(\.key.text) }

  /// A number, or the only element of a tensor or a list.
  var number: Double {
    get throws {
      guard let number = value.number ?? (try? numbers)?.first else {
        throw GoldenError(description: "\(file): no number")
      }
      return number
    }
  }

  /// The numbers of a list or a tensor.
  var numbers: [Double] {
    get throws {
      if let items = value.items { return items.compactMap(\.number) }
      guard case .tensor(let tensor) = value,
        let numbers = tensor.doubles ?? tensor.integers?.map({ Double($0) })
      else { throw GoldenError(description: "\(file): no numbers") }
      return numbers
    }
  }

  /// The same as whole numbers.
  var integers: [Int] { get throws { try numbers.map { Int($0) } } }

  var floats: [Float] { get throws { try numbers.map { Float($0) } } }

  var shape: [Int] {
    get throws {
      guard case .tensor(let tensor) = value else {
        throw GoldenError(description: "\(file): no tensor")
      }
      return tensor.shape
    }
  }

  /// Maps [N, C, H, W] as the engine's.
  var images: Tensor {
    get throws {
      let sizes = try shape
      return Tensor(
        nchw: try floats,
        Shape(batch: sizes[0], height: sizes[2], width: sizes[3], channels: sizes[1]))
    }
  }

  var state: StateDict { get throws { try StateDict(value, file: file, place: "") } }

  /// The images at `indices` of the subset's training or test set, normalised.
  static func images(_ indices: [Int], split: DatasetSplit = .train) throws -> Tensor {
    let pictures = try pictures(split).selecting(indices)
    let rule = PixelRule(.cifar10, rounds: false)
    return Tensor(
      Shape(batch: indices.count, height: 32, width: 32, channels: 3),
      in: FloatBuffer(pictures.pixels.enumerated().map { rule.normalized($1, channel: $0 % 3) }))
  }

  /// The subset's training or test set.
  static func pictures(_ split: DatasetSplit) throws -> LabeledImages {
    let pair = try DatasetLoader.load(
      name: "cifar10", path: Fixtures.path("cifar10-subset"), size: nil, seed: 0)
    return split == .train ? pair.train : pair.test
  }

  /// The classifier that every chain of steps starts from.
  static func classifier() throws -> Network {
    let network = Network(
      .resnet18, width: 8, classCount: 10,
      inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3))
    try network.store.load(try AttackFixture("common/thin8_init.pt").state)
    return network
  }

  /// The step of batches of 12 that those chains move `network` by.
  static func step(_ network: Network) -> ClassifierStep {
    ClassifierStep(
      model: network, optimizer: SGD(for: network.store, momentum: 0.9, weightDecay: 5e-4),
      loss: CrossEntropy(), largestShare: 12, communicator: SoloCommunicator(),
      context: ComputeContext(threads: 2, convolution: .im2col))
  }

  /// Fills `store` with the values that a hash of their places gives: see the fixtures' README.
  static func fill(_ store: ParameterStore, salt: Int) throws {
    var fanIn = 1
    let entries = store.stateDict().entries.enumerated().map { index, entry in
      var entry = entry
      if entry.shape.count > 1 { fanIn = entry.shape.dropFirst().reduce(1, *) }
      guard case .float32(let values) = entry.values else { return entry }
      let unit = unit(values.count, index + 1000 * salt)
      if entry.name.hasSuffix("running_mean") || entry.name.hasSuffix("running_var") {
        return entry
      }
      let isNorm = entry.shape.count == 1 && store.isNorm(entry.name)
      entry.values = .float32(
        unit.map { u in
          guard isNorm else { return Float(u / Double(fanIn).squareRoot()) }
          return Float(entry.name.hasSuffix("weight") ? 1 + 0.5 * u : 0.5 * u)
        })
      return entry
    }
    try store.load(StateDict(entries))
  }

  /// `count` values in -1..<1 of stream `number`.
  static func unit(_ count: Int, _ number: Int) -> [Double] {
    (0..<count).map { index in
      var h = UInt32(truncatingIfNeeded: index) &* 0x9E37_79B1
      h = h &+ UInt32(truncatingIfNeeded: number) &* 0x85EB_CA77 &+ 0x27D4_EB2F
      h ^= h >> 15
      h = h &* 0x2C1B_3C6D
      h ^= h >> 12
      h = h &* 0x297A_2D39
      h ^= h >> 15
      return Double(h) / 2_147_483_648 - 1
    }
  }
}

extension ParameterStore {
  /// Whether `name` is a normalisation's factor or shift.
  fileprivate func isNorm(_ name: String) -> Bool {
    plan.parameters.contains {
      $0.name == name && ($0.role == .normScale || $0.role == .normShift)
    }
  }
}

/// The largest distance of two lists of values; infinity where their numbers differ.
func largestDistance(_ one: [Float], _ other: [Float]) -> Float {
  guard one.count == other.count else { return .infinity }
  return zip(one, other).map { abs($0 - $1) }.max() ?? 0
}

/// The share of places at which two lists of bytes differ, and the largest difference.
func byteDifference(_ one: [UInt8], _ other: [UInt8]) -> (share: Double, largest: Int) {
  guard one.count == other.count else { return (1, 256) }
  let differences = zip(one, other).map { abs(Int($0) - Int($1)) }
  return (
    Double(differences.count { $0 > 0 }) / Double(max(one.count, 1)), differences.max() ?? 0
  )
}

/// The relative distance of a state or of gradients from a digest of it, by all tensors that the
/// digest has whole, and by the norms and first values of the others; names that `leavingOut` picks
/// are left out.
func distance(
  _ mine: [String: [Float]], digest: AttackFixture, leavingOut: (String) -> Bool = { _ in false }
) throws -> Double {
  var (difference, size) = (0.0, 0.0)
  for name in digest.keys where !leavingOut(name) && !name.hasSuffix("num_batches_tracked") {
    let entry = try digest[name]
    guard let values = mine[name] else { return .infinity }
    let expected =
      entry.keys.contains("full") ? try entry["full"].floats : try entry["first"].floats
    for (a, b) in zip(values, expected) {
      difference += Double(a - b) * Double(a - b)
      size += Double(b) * Double(b)
    }
    let norm = values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    let other = try entry["norm"].number
    difference += (norm - other) * (norm - other)
    size += other * other
  }
  return (difference / max(size, 1e-300)).squareRoot()
}
