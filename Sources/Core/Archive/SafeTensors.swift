import Foundation

/// The files of the safetensors library: 8 bytes with the header's length, a header of JSON from
/// names to types, shapes and places, and the elements, little-endian.
enum SafeTensors {
  /// Headers of the largest networks have a tenth of this, bytes.
  private static let largestHeader = 8 << 20

  /// What the header says of one tensor.
  private struct Tensor: Decodable {
    let type: String
    let shape: [Int]
    /// The first byte behind the header, and the one after the last.
    let offsets: [Int]

    enum CodingKeys: String, CodingKey {
      case type = "dtype"
      case shape
      case offsets = "data_offsets"
    }
  }

  /// A tensor, or the texts under `__metadata__`, which no model needs.
  private enum Item: Decodable {
    case tensor(Tensor)
    case texts

    init(from decoder: any Decoder) throws {
      if decoder.codingPath.last?.stringValue == "__metadata__" {
        _ = try [String: String](from: decoder)
        self = .texts
      } else {
        self = .tensor(try Tensor(from: decoder))
      }
    }
  }

  /// Whether `bytes` begin as such a file: a length, and JSON's first character.
  static func matches(_ bytes: ByteView) -> Bool {
    guard let length = bytes.integer(UInt64.self, at: 0) else { return false }
    return length < 1 << 40 && bytes[8] == UInt8(ascii: "{")
  }

  static func read(_ bytes: ByteView, file: String) throws -> PickleValue {
    let length = Int(bytes.integer(UInt64.self, at: 0) ?? 0)
    func damaged(_ problem: String) -> ArchiveError {
      .damaged(file: file, place: "header", problem: problem)
    }
    guard let header = bytes.slice(8, length),
      let elements = bytes.slice(8 + length, bytes.count - 8 - length)
    else { throw damaged("\(length) bytes are announced, \(bytes.count - 8) are there") }
    guard length <= largestHeader else {
      throw ArchiveError.refused(
        file: file, place: "header", problem: "it has \(length) bytes, over \(largestHeader)")
    }
    let items: [String: Item]
    do {
      items = try JSONDecoder().decode([String: Item].self, from: Data(header.array))
    } catch {
      throw damaged("expected JSON of tensors with dtype, shape and data_offsets")
    }
    let tensors = items.compactMap { name, item in
      if case .tensor(let tensor) = item { (name: name, tensor: tensor) } else { nil }
    }.sorted { one, other in
      let (a, b) = (one.tensor.offsets, other.tensor.offsets)
      return a == b ? one.name < other.name : a.lexicographicallyPrecedes(b)
    }
    try requireWhole(tensors, count: elements.count, file: file)
    return .dictionary(
      try tensors.map { .init($0.name, .tensor(try tensor($0.tensor, $0.name, elements, file))) })
  }

  /// Throws unless each byte of the elements is one tensor's; a name that stands twice leaves a gap.
  private static func requireWhole(
    _ tensors: [(name: String, tensor: Tensor)], count: Int, file: String
  ) throws {
    var end = 0
    for (name, tensor) in tensors {
      let place = ArchiveError.quoted(name)
      guard tensor.offsets.count == 2, tensor.offsets[0] == end,
        (end...count).contains(tensor.offsets[1])
      else {
        throw ArchiveError.damaged(
          file: file, place: place,
          problem: "expected data_offsets from \(end) to at most \(count), "
            + "found \(tensor.offsets.prefix(3))")
      }
      end = tensor.offsets[1]
    }
    guard end == count else {
      throw ArchiveError.damaged(
        file: file, place: "elements", problem: "\(count - end) bytes are no tensor's")
    }
  }

  private static func tensor(
    _ tensor: Tensor, _ name: String, _ elements: ByteView, _ file: String
  ) throws -> TorchTensor {
    let (place, offsets) = (ArchiveError.quoted(name), tensor.offsets)
    guard let type = type(tensor.type) else {
      throw ArchiveError.refused(
        file: file, place: place,
        problem: "elements of the type '\(ArchiveError.quoted(tensor.type))'")
    }
    let (shape, size) = (tensor.shape, offsets[1] - offsets[0])
    guard shape.count <= TensorGeometry.maximumRank, !shape.contains(where: { $0 < 0 }),
      TensorGeometry.product(shape + [type.size]) == size,
      let bytes = elements.slice(offsets[0], size)
    else {
      throw ArchiveError.damaged(
        file: file, place: place,
        problem: "\(size) bytes for a tensor of \(tensor.type) and shape \(shape.prefix(9))")
    }
    return TorchTensor(
      storage: TorchStorage(type: type, count: size / type.size, bytes: bytes), offset: 0,
      shape: shape, stride: TensorGeometry.contiguousStride(shape))
  }

  private static func type(_ name: String) -> TorchType? {
    switch name {
    case "F16": .float16
    case "BF16": .bfloat16
    case "F32": .float32
    case "F64": .float64
    case "I8": .int8
    case "I16": .int16
    case "I32": .int32
    case "I64": .int64
    case "U8": .uint8
    case "BOOL": .bool
    default: nil
    }
  }
}
