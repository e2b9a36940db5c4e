import CZlib

/// Expands a file packed by gzip.
enum Gunzip {
  private static let step = 1 << 20

  /// The bytes that `packed` was made of, at most `limit` of them.
  static func expand(_ packed: [UInt8], limit: Int) throws(FileBytes.Failure) -> [UInt8] {
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    // 16 more than the largest window says that gzip's header and checksum are there.
    guard let count = UInt32(exactly: packed.count),
      inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, size) == Z_OK
    else { throw FileBytes.Failure(reason: "\(packed.count) bytes cannot be expanded") }
    defer { inflateEnd(&stream) }
    var packed = packed
    var status = Z_OK
    let expanded = packed.withUnsafeMutableBufferPointer { input in
      (stream.next_in, stream.avail_in) = (input.baseAddress, count)
      var expanded: [UInt8] = []
      while status == Z_OK && expanded.count <= limit {
        expanded += [UInt8](unsafeUninitializedCapacity: step) { output, filled in
          (stream.next_out, stream.avail_out) = (output.baseAddress, UInt32(step))
          status = CZlib.inflate(&stream, Z_NO_FLUSH)
          filled = step - Int(stream.avail_out)
        }
      }
      return expanded
    }
    guard expanded.count <= limit else {
      throw FileBytes.Failure(reason: "expected at most \(limit) bytes after expanding, found more")
    }
    guard status == Z_STREAM_END else {
      throw FileBytes.Failure(reason: "expected data packed by gzip, found damaged or cut off ones")
    }
    return expanded
  }
}
