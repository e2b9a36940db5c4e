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
  public var contiguousBytes: [UInt8] {
    let size = type.size
    let byteCount = count * size
    return storage.withBytes { memory in
      if isContiguous { return Array(memory[offset * size..<offset * size + byteCount]) }
      return [UInt8](unsafeUninitializedCapacity: byteCount) { output, written in
        TensorGeometry.gather(
          memory, offset: offset, shape: shape, stride: stride, size: size,
          into: UnsafeMutableRawBufferPointer(start: output.baseAddress, count: byteCount))
        written = byteCount
      }
    }
  }

  /// The elements of a floating-point tensor as float32, row-major, or nil for other types.
  public var floats: [Float]? {
    if case .float32(let values) = storage.content, isContiguous, count == values.count {
      return values
    }
    return switch type {
    case .float32: elements(UInt32.self).map(Float.init(bitPattern:))
    case .float16: elements(UInt16.self).map { Float(Float16(bitPattern: $0)) }
    case .bfloat16: elements(UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }
    case .float64: elements(UInt64.self).map { Float(Double(bitPattern: $0)) }
    default: nil
    }
  }

  /// The elements of a floating-point tensor as float64, row-major, or nil for other types.
  public var doubles: [Double]? {
    type == .float64
      ? elements(UInt64.self).map(Double.init(bitPattern:)) : floats?.map(Double.init)
  }

  /// The elements of an integer tensor, row-major, or nil for other types.
  public var integers: [Int64]? {
    switch type {
    case .int8: elements(Int8.self).map(Int64.init)
    case .int16: elements(Int16.self).map(Int64.init)
    case .int32: elements(Int32.self).map(Int64.init)
    case .int64: elements(Int64.self)
    case .uint8, .bool: elements(UInt8.self).map(Int64.init)
    default: nil
    }
  }

  private func elements<T: FixedWidthInteger>(_ element: T.Type) -> [T] {
    let bytes = contiguousBytes
    return bytes.withUnsafeBytes { memory in
      (0..<bytes.count / MemoryLayout<T>.size).map {
        T(littleEndian: memory.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self))
      }
    }
  }
}
