extension TorchTensor {
  /// Whether the elements lie row-major without gaps.
  private var isContiguous: Bool {
    // An empty tensor may have sizes whose product without the 0 overflows.
    if count == 0 { return true }
    var expected = 1
    for (size, step) in zip(shape, stride).reversed() where size != 1 {
      if step != expected { return false }
      expected *= size
    }
    return true
  }

  /// The elements row-major, little-endian: a copy.
  public var contiguousBytes: [UInt8] { withElements { Array($0) } }

  /// The elements of a floating-point tensor as float32, row-major, or nil for other types.
  public var floats: [Float]? {
    if case .float32(let values) = storage.content, isContiguous, count == values.count {
      return values
    }
    return switch type {
    case .float32: elements(UInt32.self, Float.init(bitPattern:))
    case .float16: elements(UInt16.self) { Float(Float16(bitPattern: $0)) }
    case .bfloat16: elements(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
    case .float64: elements(UInt64.self) { Float(Double(bitPattern: $0)) }
    default: nil
    }
  }

  /// The elements of a floating-point tensor as float64, row-major, or nil for other types.
  public var doubles: [Double]? {
    switch type {
    case .float32: elements(UInt32.self) { Double(Float(bitPattern: $0)) }
    case .float16: elements(UInt16.self) { Double(Float16(bitPattern: $0)) }
    case .bfloat16: elements(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
    case .float64: elements(UInt64.self, Double.init(bitPattern:))
    default: nil
    }
  }

  /// The elements of an integer tensor, row-major, or nil for other types.
  public var integers: [Int64]? {
    switch type {
    case .int8: elements(Int8.self, Int64.init)
    case .int16: elements(Int16.self, Int64.init)
    case .int32: elements(Int32.self, Int64.init)
    case .int64: elements(Int64.self) { $0 }
    case .uint8, .bool: elements(UInt8.self, Int64.init)
    default: nil
    }
  }

  /// The first `count` elements, row-major, as a tensor of one dimension with a storage of its own.
  func first(_ count: Int) -> TorchTensor {
    let count = min(count, self.count)
    let bytes = withElements(first: count) { Array($0) }
    return TorchTensor(
      storage: TorchStorage(type: type, count: count, bytes: ByteView(bytes)), offset: 0,
      shape: [count], stride: [1])
  }

  private func elements<T: FixedWidthInteger, R>(_ element: T.Type, _ value: (T) -> R) -> [R] {
    let size = MemoryLayout<T>.size
    return withElements { memory in
      (0..<memory.count / size).map {
        value(T(littleEndian: memory.loadUnaligned(fromByteOffset: $0 * size, as: T.self)))
      }
    }
  }

  /// Calls `body` with the first `limit` elements or all, row-major, little-endian; they are copied
  /// only where they do not lie so.
  private func withElements<R>(
    first limit: Int? = nil, _ body: (UnsafeRawBufferPointer) throws -> R
  ) rethrows -> R {
    let size = type.size
    let byteCount = (limit ?? count) * size
    return try storage.withBytes { memory in
      if isContiguous {
        return try body(
          UnsafeRawBufferPointer(rebasing: memory[offset * size..<offset * size + byteCount]))
      }
      let copy = [UInt8](unsafeUninitializedCapacity: byteCount) { output, written in
        TensorGeometry.gather(
          memory, offset: offset, shape: shape, stride: stride, size: size,
          into: UnsafeMutableRawBufferPointer(start: output.baseAddress, count: byteCount))
        written = byteCount
      }
      return try copy.withUnsafeBytes(body)
    }
  }
}
