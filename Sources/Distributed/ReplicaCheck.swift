/// A checksum that tells memory apart by any single flipped bit; not for security.
public enum Checksum {
  /// The checksum of `bytes`: FNV-1a's step over eight bytes at a time, then over those left.
  ///
  /// After each step the high half is folded into the low one. Every step is a bijection of the
  /// state, so a single difference can never cancel; without the fold, two flipped sign bits would.
  public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    let prime: UInt64 = 0x100_0000_01b3
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func step(_ value: UInt64) {
      hash = (hash ^ value) &* prime
      hash ^= hash >> 32
    }
    let words = bytes.count / 8
    for index in 0..<words {
      step(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)))
    }
    for byte in bytes[(words * 8)...] { step(UInt64(byte)) }
    step(UInt64(bytes.count))
    return hash
  }

  /// The checksum of `text` in UTF-8.
  public static func of(_ text: String) -> UInt64 { Array(text.utf8).withUnsafeBytes(of) }
}

/// Whether all ranks hold the same parameters, bit for bit.
public enum ReplicaCheck {
  /// Throws `Disagreement`, on all ranks alike, unless every rank holds the same layout and bits.
  ///
  /// `layout` is any text that fixes what `buffer` holds: names and shapes of its slots in order.
  /// It is told first, since memory laid out differently is a mistake of its own. `subject`
  /// names the memory, for example "parameters after step 7".
  public static func verify(
    _ buffer: FloatBuffer, layout: String, subject: String, on communicator: any Communicator
  ) throws {
    try verify([(subject, buffer)], layout: layout, on: communicator)
  }

  /// The same for several buffers that one `layout` describes, with one all-gather for all.
  public static func verify(
    _ memory: [(subject: String, buffer: FloatBuffer)], layout: String,
    on communicator: any Communicator
  ) throws {
    guard communicator.worldSize > 1, let first = memory.first else { return }
    let counts = memory.map { "\($0.buffer.count) floats" }.joined(separator: ", ")
    try communicator.requireAgreement(
      onEach: [("layout of the \(first.subject)", Checksum.of("\(counts): \(layout)"))]
        + memory.map { ($0.subject, Checksum.of(UnsafeRawBufferPointer($0.buffer.bytes))) })
  }
}
