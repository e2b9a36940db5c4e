/// The element types of torch tensors, by their names in Python.
public enum TorchType: String, CaseIterable, Sendable {
  case float16, bfloat16, float32, float64, int8, int16, int32, int64, uint8, bool
  case complex64, complex128

  /// Bytes of one element.
  public var size: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .float16, .bfloat16, .int16: 2
    case .float32, .int32: 4
    case .float64, .int64, .complex64: 8
    case .complex128: 16
    }
  }

  /// The name of the storage class in pickles, without `Storage`.
  var storageName: String {
    switch self {
    case .float16: "Half"
    case .bfloat16: "BFloat16"
    case .float32: "Float"
    case .float64: "Double"
    case .int8: "Char"
    case .int16: "Short"
    case .int32: "Int"
    case .int64: "Long"
    case .uint8: "Byte"
    case .bool: "Bool"
    case .complex64: "ComplexFloat"
    case .complex128: "ComplexDouble"
    }
  }

  /// Bytes that change places together between byte orders.
  var swapSize: Int {
    switch self {
    case .complex64: 4
    case .complex128: 8
    default: size
    }
  }
}

/// The memory of tensors, which several of them may share.
public final class TorchStorage: Sendable {
  enum Content: Sendable {
    /// Elements in the byte order of the machine, little-endian.
    case bytes(ByteView)
    case float32([Float])
    case int64([Int64])
  }

  /// The element type.
  public let type: TorchType
  /// The number of elements.
  public let count: Int
  let content: Content

  /// Elements as `bytes`, whose length must be `count` elements.
  init(type: TorchType, count: Int, bytes: ByteView) {
    precondition(bytes.count == count * type.size, "\(bytes.count) bytes for \(count) elements")
    self.type = type
    self.count = count
    content = .bytes(bytes)
  }

  /// The elements of a tensor of ours.
  public init(_ values: StateDict.Values) {
    count = values.count
    switch values {
    case .float32(let values):
      type = .float32
      content = .float32(values)
    case .int64(let values):
      type = .int64
      content = .int64(values)
    }
  }

  /// Calls `body` with the elements, little-endian.
  func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    switch content {
    case .bytes(let view): try view.withBytes(body)
    case .float32(let values): try values.withUnsafeBytes(body)
    case .int64(let values): try values.withUnsafeBytes(body)
    }
  }
}

/// A view of a storage; offset and strides count elements.
public struct TorchTensor: Sendable {
  /// The memory it views.
  public let storage: TorchStorage
  /// The first element within the storage.
  public let offset: Int
  /// The size of each dimension; empty for a scalar.
  public let shape: [Int]
  /// The distance between neighbours along each dimension.
  public let stride: [Int]
  /// Whether autograd was to follow it.
  public let requiresGradient: Bool
  /// Whether it was a `torch.nn.Parameter`.
  public let isParameter: Bool

  /// A view that must lie inside the storage (see `TensorGeometry`).
  init(
    storage: TorchStorage, offset: Int, shape: [Int], stride: [Int], requiresGradient: Bool = false,
    isParameter: Bool = false
  ) {
    self.storage = storage
    self.offset = offset
    self.shape = shape
    self.stride = stride
    self.requiresGradient = requiresGradient
    self.isParameter = isParameter
  }

  /// A contiguous tensor with a storage of its own.
  public init(shape: [Int], values: StateDict.Values) {
    precondition(shape.reduce(1, *) == values.count, "\(values.count) values for \(shape)")
    self.init(
      storage: TorchStorage(values), offset: 0, shape: shape,
      stride: TensorGeometry.contiguousStride(shape))
  }

  /// The element type.
  public var type: TorchType { storage.type }
  /// The number of elements.
  public var count: Int { TensorGeometry.product(shape) ?? 0 }
}

extension TorchTensor: Equatable {
  /// Whether type, shape and all elements are equal, bit for bit.
  public static func == (left: TorchTensor, right: TorchTensor) -> Bool {
    left.type == right.type && left.shape == right.shape
      && left.isParameter == right.isParameter && left.contiguousBytes == right.contiguousBytes
  }
}
