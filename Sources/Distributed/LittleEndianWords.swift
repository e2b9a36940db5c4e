extension Array where Element: FixedWidthInteger & BitwiseCopyable {
  /// The numbers one after the other, each with its lowest byte first: how ranks send them.
  package var littleEndianBytes: [UInt8] {
    flatMap { word in Swift.withUnsafeBytes(of: word.littleEndian) { [UInt8]($0) } }
  }

  /// The numbers that `bytes` hold; a rest too short for one is left out.
  package init(littleEndian bytes: some Collection<UInt8>) {
    let size = MemoryLayout<Element>.size
    self = [UInt8](bytes).withUnsafeBytes { bytes in
      (0..<bytes.count / size).map {
        Element(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * size, as: Element.self))
      }
    }
  }
}
