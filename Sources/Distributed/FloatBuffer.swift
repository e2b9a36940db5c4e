import Foundation

/// Aligned float memory that MPI may fill while Swift computes; it owns its allocation.
///
/// The one place where float memory is allocated and freed: tensors, parameters, gradients and
/// batches are views of such buffers. It is `@unchecked Sendable`: who writes when is decided by
/// the training step's fixed order, never by a lock in here.
public final class FloatBuffer: @unchecked Sendable {
  /// Alignment of the first float, in bytes: one cache line, which also suits every SIMD width.
  public static let alignment = 64

  /// The size of a huge page where there are any, in bytes; buffers from here on are mapped.
  private static let hugePage = 2 << 20

  /// The number of floats.
  public let count: Int
  /// The first float; valid for as long as this object lives.
  public let pointer: UnsafeMutablePointer<Float>
  /// The pages that a large buffer lies in.
  private let mapping: (start: UnsafeMutableRawPointer, bytes: Int)?

  /// Allocates `count` floats, all zero.
  ///
  /// A large buffer gets its pages as they are first written: by the thread that works there, and
  /// only as far as batches reach.
  public init(count: Int) {
    precondition(count >= 0, "a buffer of \(count) floats")
    self.count = count
    let (capacity, bytes) = (max(count, 1), max(count, 1) * MemoryLayout<Float>.stride)
    guard bytes >= Self.hugePage else {
      mapping = nil
      pointer = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: Self.alignment)
        .bindMemory(to: Float.self, capacity: capacity)
      pointer.initialize(repeating: 0, count: capacity)
      return
    }
    let mapping = Self.map(bytes + Self.hugePage)
    let start = mapping.start.alignedUp(toMultipleOf: Self.hugePage)
    #if os(Linux)
      // Fewer page faults and TLB misses: 2 to 4 % of a training step. A hint, so its failure is no
      // matter.
      madvise(start, bytes, Int32(MADV_HUGEPAGE))
    #endif
    self.mapping = mapping
    pointer = start.bindMemory(to: Float.self, capacity: capacity)
  }

  private static func map(_ bytes: Int) -> (start: UnsafeMutableRawPointer, bytes: Int) {
    guard
      let start = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0),
      start != MAP_FAILED
    else { fatalError("no memory for a buffer of \(bytes >> 20) MB") }
    return (start, bytes)
  }

  /// Allocates a copy of `values`.
  public convenience init(_ values: [Float]) {
    self.init(count: values.count)
    values.withUnsafeBufferPointer { source in
      guard let first = source.baseAddress else { return }
      pointer.update(from: first, count: source.count)
    }
  }

  deinit {
    if let mapping {
      munmap(mapping.start, mapping.bytes)
    } else {
      UnsafeMutableRawPointer(pointer).deallocate()
    }
  }

  /// All floats, as a mutable buffer pointer.
  public var floats: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: pointer, count: count)
  }

  /// All memory, as raw bytes in this machine's order.
  public var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(floats) }

  /// Sets every float to zero.
  public func clear() { pointer.update(repeating: 0, count: count) }

  /// A copy of the floats as an array.
  public var array: [Float] { Array(floats) }
}
