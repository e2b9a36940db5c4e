import Distributed
import Foundation

/// A trained encoder with the one string that it hides in every image.
struct StegaCoder {
  let encoder: StegaEncoder
  let decoder: StegaDecoder
  /// The string: 0 or 1 each.
  let bits: [Float]
  let context: ComputeContext
  /// Images that are encoded at a time.
  private static let batch = 32

  /// An untrained one of `settings` for images of `height` x `width`, all drawn by `seed`.
  ///
  /// Throws `StegaError` for images of other sizes than multiples of 32.
  init(
    _ settings: StegaSettings, height: Int, width: Int, seed: UInt64, context: ComputeContext
  ) throws {
    var stream = RandomStream(seed: seed, purpose: .fingerprints, epoch: -1)
    // All zero would be no string: a lone bit is set.
    let drawn = (0..<settings.bits).map { _ in Float(stream.nextInt(below: 2)) }
    try self.init(
      bits: drawn.contains(1) ? drawn : drawn.map { _ in 1 }, height: height, width: width,
      addsResidual: settings.addsResidual, context: context)
    Initializer.initialize(encoder.store, seed: seed, purpose: .generator)
    Initializer.initialize(decoder.store, seed: seed, purpose: .discriminator)
  }

  private init(
    bits: [Float], height: Int, width: Int, addsResidual: Bool, context: ComputeContext
  ) throws {
    guard height % 32 == 0, width % 32 == 0 else {
      throw StegaError.size(height: height, width: width)
    }
    encoder = StegaEncoder(
      bits: bits.count, height: height, width: width, addsResidual: addsResidual)
    decoder = StegaDecoder(bits: bits.count, height: height, width: width)
    (self.bits, self.context) = (bits, context)
  }

  // MARK: Images

  /// The images at `positions` with the string in them: bytes of [positions.count, H, W, 3].
  ///
  /// `progress` is told how many are done.
  func encoded(
    _ images: LabeledImages, at positions: [Int], progress: (Int) -> Void = { _ in }
  ) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(positions.count * images.imageSize)
    for start in stride(from: 0, to: positions.count, by: Self.batch) {
      let part = positions[start..<min(start + Self.batch, positions.count)]
      let output = encoder.forward(
        string(count: part.count), Tensor(images, at: part), context: context)
      result += output.array.map { UInt8(min(max(($0 * 255).rounded(), 0), 255)) }
      progress(start + part.count)
    }
    return result
  }

  /// How well the string is read from images [N, H, W, 3] of bytes: the share of bits, 0...1.
  func bitAccuracy(_ bytes: [UInt8], shape: Shape) -> Double {
    let size = shape.withBatch(1).count
    var right = 0
    for start in stride(from: 0, to: shape.batch, by: Self.batch) {
      let count = min(Self.batch, shape.batch - start)
      let images = Tensor(shape.withBatch(count))
      for place in 0..<count * size {
        images.pointer[place] = Float(bytes[start * size + place]) / 255
      }
      let logits = decoder.forward(images, context: context)
      for place in 0..<count * bits.count {
        right += (logits.pointer[place] > 0) == (bits[place % bits.count] > 0) ? 1 : 0
      }
    }
    return Double(right) / Double(max(shape.batch * bits.count, 1))
  }

  private func string(count: Int) -> Tensor {
    let tensor = Tensor(Shape(batch: count, height: 1, width: 1, channels: bits.count))
    for place in 0..<tensor.shape.count { tensor.pointer[place] = bits[place % bits.count] }
    return tensor
  }

  // MARK: Its file

  /// The one in the file at `path`, for images of `height` x `width`; throws `ArchiveError`.
  init(_ path: String, height: Int, width: Int, context: ComputeContext) throws {
    let value = try TorchArchive.read(path: path)
    guard case .tensor(let string)? = value["fingerprint"], let bits = string.floats,
      !bits.isEmpty, bits.count <= SSBA.longestString, bits.allSatisfy({ $0 == 0 || $0 == 1 }),
      case .bool(let addsResidual)? = value["use_residual"]
    else {
      throw ArchiveError.unexpected(
        file: path, place: "root", expected: "ssba's string of bits and use_residual",
        found: value.typeName)
    }
    try self.init(
      bits: bits, height: height, width: width, addsResidual: addsResidual, context: context)
    let file = try SideFile(path)
    try file.load("encoder", into: encoder.store)
    try file.load("decoder", into: decoder.store)
  }

  /// What its file holds.
  var entries: [(String, PickleValue)] {
    [
      ("fingerprint", .tensor(TorchTensor(shape: [bits.count], values: .float32(bits)))),
      ("use_residual", .bool(encoder.addsResidual)),
      ("encoder", encoder.store.stateDict().archived),
      ("decoder", decoder.store.stateDict().archived),
    ]
  }

  /// All parameters, encoder first.
  var parameters: [UInt8] {
    [encoder.store, decoder.store].flatMap { Array(UnsafeRawBufferPointer($0.values.bytes)) }
  }

  /// Takes `parameters` over.
  func take(_ parameters: [UInt8]) {
    let count = encoder.store.values.bytes.count
    encoder.store.values.bytes.copyBytes(from: parameters[..<count])
    decoder.store.values.bytes.copyBytes(from: parameters[count...])
  }
}

/// Why images cannot have a string hidden in them.
enum StegaError: Error, Equatable, CustomStringConvertible {
  /// Their size is none that the encoder has.
  case size(height: Int, width: Int)

  var description: String {
    switch self {
    case .size(let height, let width):
      "ssba: expected images whose sides are multiples of 32, found \(height)x\(width); "
        + "--img_size 32 resizes them"
    }
  }
}
