import CZlib

/// Expands raw deflate data of a known size.
enum Inflate {
  /// The expanded bytes, or nil where `payload` does not give exactly `size` bytes.
  static func inflate(_ payload: ByteView, size: Int) -> ByteView? {
    struct Mismatch: Error {}
    return try? ByteView(
      ByteBlock(count: size) { output in
        guard payload.withBytes({ expand($0, into: output) }) == size else { throw Mismatch() }
      })
  }

  /// The number of bytes written to `output`, or nil where the stream does not end there.
  private static func expand(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) -> Int? {
    // zlib counts in 32 bits; records of more than 4 GiB are not worth a loop.
    guard let inputCount = UInt32(exactly: input.count),
      let outputCount = UInt32(exactly: output.count)
    else { return nil }
    var stream = z_stream()
    guard
      inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { inflateEnd(&stream) }
    var scratch: UInt8 = 0
    return withUnsafeMutablePointer(to: &scratch) { spare in
      stream.next_in = UnsafeMutablePointer(
        mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
      stream.avail_in = inputCount
      stream.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? spare
      stream.avail_out = outputCount
      guard CZlib.inflate(&stream, Z_FINISH) == Z_STREAM_END else { return nil }
      return Int(stream.total_out)
    }
  }
}
