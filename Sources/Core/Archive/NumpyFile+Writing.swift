extension NumpyFile {
  /// Writes `array` to `path` as version 1.0 of the format, atomically.
  ///
  /// - Throws: `FileError`.
  package static func write(_ array: NumpyArray, to path: String) throws {
    let sizes = array.shape.map(String.init).joined(separator: ", ")
    let shape = array.shape.count == 1 ? "(\(sizes),)" : "(\(sizes))"
    let type = array.type
    var header =
      "{'descr': '\(type.orderMark)\(type.code)', 'fortran_order': False, 'shape': \(shape), }"
    // Magic, version, length and header with its line feed take a multiple of 64 bytes.
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    let length = UInt16(header.utf8.count)
    try AtomicFile.write(to: path) { file in
      try file.write(
        [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)])
      try file.write(header)
      try file.write(array.bytes)
    }
  }
}

extension NumpyArray {
  /// An array of bytes.
  package init(bytes: [UInt8], shape: [Int]) {
    self.init(type: NumpyType(kind: .unsigned, size: 1), shape: shape, bytes: bytes)
  }

  /// An array of float64 numbers.
  package init(_ values: [Double], shape: [Int]) {
    self.init(type: .float64, shape: shape, bytes: values.withUnsafeBytes { Array($0) })
  }

  /// The elements, where they are bytes.
  var unsignedBytes: [UInt8]? { type == NumpyType(kind: .unsigned, size: 1) ? bytes : nil }
}
