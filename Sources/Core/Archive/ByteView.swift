import Foundation

/// Owns a block of memory that stays as it is: a mapped file or an inflated record.
final class ByteBlock: @unchecked Sendable {  // immutable after init
  fileprivate let memory: UnsafeRawBufferPointer
  private let isMapped: Bool

  /// Maps the file at `path` read-only.
  ///
  /// Our own writers replace files by rename, so a mapping never sees a file change under it.
  /// - Throws: `ArchiveError.unreadable`.
  init(mapping path: String) throws {
    func failure(_ reason: String) -> ArchiveError { .unreadable(file: path, reason: reason) }
    let (descriptor, count): (Int32, Int)
    do {
      (descriptor, count) = try RegularFile.open(path)
    } catch {
      throw failure(error.reason)
    }
    defer { close(descriptor) }
    isMapped = count > 0
    guard count > 0 else {
      memory = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard start != MAP_FAILED, let start else { throw failure(String(cString: strerror(errno))) }
    memory = UnsafeRawBufferPointer(start: start, count: count)
  }

  /// Memory of `count` bytes that `fill` writes.
  init(count: Int, filledBy fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
    let fresh = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
    isMapped = false
    do {
      try fill(fresh)
    } catch {
      fresh.deallocate()
      throw error
    }
    memory = UnsafeRawBufferPointer(fresh)
  }

  deinit {
    if isMapped {
      munmap(UnsafeMutableRawPointer(mutating: memory.baseAddress), memory.count)
    } else {
      memory.deallocate()
    }
  }
}

/// A range of a block of memory; keeps the block alive, copies nothing.
///
/// Every access is checked: what lies outside is nil, so that no offset from a file can crash.
package struct ByteView: Sendable {
  private let block: ByteBlock
  private let range: Range<Int>

  /// The whole of `block`.
  init(_ block: ByteBlock) {
    self.block = block
    range = 0..<block.memory.count
  }

  /// A copy of `bytes`.
  package init(_ bytes: [UInt8]) {
    self.init(ByteBlock(count: bytes.count) { $0.copyBytes(from: bytes) })
  }

  /// The file at `path`, mapped.
  package init(mapping path: String) throws { self.init(try ByteBlock(mapping: path)) }

  private init(_ block: ByteBlock, _ range: Range<Int>) {
    self.block = block
    self.range = range
  }

  /// The number of bytes.
  package var count: Int { range.count }

  /// The byte at `offset`, or nil past the end.
  package subscript(offset: Int) -> UInt8? {
    offset >= 0 && offset < count ? block.memory[range.lowerBound + offset] : nil
  }

  /// The `count` bytes from `offset`, or nil where they are not all there.
  package func slice(_ offset: Int, _ count: Int) -> ByteView? {
    guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else {
      return nil
    }
    let start = range.lowerBound + offset
    return ByteView(block, start..<start + count)
  }

  /// The little-endian integer at `offset`, or nil where it is not all there.
  package func integer<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) -> T? {
    guard let bytes = slice(offset, MemoryLayout<T>.size) else { return nil }
    return bytes.withBytes { T(littleEndian: $0.loadUnaligned(as: T.self)) }
  }

  /// Calls `body` with the memory.
  package func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try body(UnsafeRawBufferPointer(rebasing: block.memory[range]))
  }

  /// The offset of the first `byte`, or nil.
  func firstIndex(of byte: UInt8) -> Int? {
    withBytes { memory in
      guard let start = memory.baseAddress, let found = memchr(start, Int32(byte), memory.count)
      else { return nil }
      return found - UnsafeMutableRawPointer(mutating: start)
    }
  }

  /// A copy of the bytes.
  package var array: [UInt8] { withBytes { Array($0) } }

  /// Whether the bytes are exactly those of `text` in UTF-8.
  func equals(_ text: String) -> Bool { withBytes { $0.elementsEqual(text.utf8) } }

  /// The bytes as text, or nil where they are not UTF-8.
  var text: String? { withBytes { String(validating: $0, as: UTF8.self) } }
}
