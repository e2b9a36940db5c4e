/// Which ranges of the flat gradient buffer are summed over the ranks, in which order; pure data.
///
/// Note [Bucket order]: the gradient buffer holds its slots in state_dict order, first layer first,
/// and backward makes them ready from its end to its beginning. So the plan takes the slots from
/// the end, joins neighbours until a cap is reached, and every bucket is one contiguous range. It
/// depends on the slots' sizes and the caps alone: all ranks derive the same plan, and nothing is
/// negotiated. The first bucket has a smaller cap, so that communication starts early in backward,
/// and so has the last: nothing is left to hide it behind. A slot larger than a bucket is cut,
/// since large buckets hide less; where slots travel as matrices it is a bucket by itself.
public struct BucketPlan: Equatable, Sendable, CustomStringConvertible {
  /// The first and last bucket's cap where no other is given: 1 MiB, in bytes.
  public static let defaultEdgeCap = 1 << 20
  /// The other buckets' cap where no other is given: 4 MiB, in bytes.
  ///
  /// Between machines, buckets of 1 to 4 MiB hid 83 to 88 % of the communication, 25 MiB hid 45 %.
  public static let defaultCap = 4 << 20

  /// The slots in the order in which they become ready: the first ends at `range`'s end.
  public let slots: [Range<Int>]
  /// The rows of the matrix in each slot, whose floats lie row by row; 1 where it is none.
  public let rows: [Int]
  /// Ranges of floats, in the order in which they are ready to be summed: the first ends at
  /// `range`'s end.
  public let buckets: [Range<Int>]
  /// The floats of all slots: up to the buffer's end.
  public let range: Range<Int>

  /// Plans the end of a buffer of `end` floats (nil: all of a buffer) whose slots have
  /// `sizesInReadyOrder` floats, the buffer's last slot first.
  ///
  /// A bucket never exceeds its cap, in bytes, except for the last, which has `edgeCap` only where
  /// the buffer's first slot fits. Slots no larger than both caps are never cut, and where
  /// `cutsSlots` is false no slot is: one beyond the cap then has a bucket of its own. `rows` are
  /// those of the slots' matrices; nil are none.
  public init(
    sizesInReadyOrder sizes: [Int], rowsInReadyOrder rows: [Int]? = nil, endingAt end: Int? = nil,
    edgeCap: Int = defaultEdgeCap, cap: Int = defaultCap, cutsSlots: Bool = true
  ) {
    self.rows = rows ?? sizes.map { _ in 1 }
    precondition(
      self.rows.count == sizes.count && zip(sizes, self.rows).allSatisfy { $1 > 0 && $0 % $1 == 0 },
      "slots of \(sizes) floats in \(self.rows) rows")
    precondition(sizes.allSatisfy { $0 >= 0 }, "slots of \(sizes) floats")
    precondition(edgeCap >= 4 && cap >= edgeCap, "caps of \(edgeCap) and \(cap) bytes")
    let total = sizes.reduce(0, +)
    let end = end ?? total
    precondition(end >= total, "slots of \(total) floats in a buffer of \(end)")
    let start = end - total
    range = start..<end
    var slots: [Range<Int>] = []
    for size in sizes {
      let edge = slots.last?.lowerBound ?? end
      slots.append(edge - size..<edge)
    }
    self.slots = slots
    let (edge, full) = (edgeCap / 4, cap / 4)
    let lastCount = slots.reversed().prefix { $0.upperBound - start <= edge }.count
    var filling = Filling(at: end, first: edge, others: full, cutsSlots: cutsSlots)
    for slot in slots.dropLast(lastCount) { filling.add(slot.count) }
    filling.close()
    for slot in slots.suffix(lastCount) { filling.extend(by: slot.count) }
    filling.close()
    buckets = filling.closed
  }

  /// The number of floats in all slots.
  public var count: Int { range.count }

  /// The buckets whose sum may wait for the next step's forward: those after the first, up to three
  /// tenths of all floats; see Note [Deferred update].
  ///
  /// Forward reads them last, so that their sum has most of it to hide behind.
  public var deferrable: Range<Int> {
    var (end, floats) = (1, 0)
    while end < buckets.count - 1, 10 * (floats + buckets[end].count) <= 3 * count {
      floats += buckets[end].count
      end += 1
    }
    return 1..<end
  }

  /// The floats of the neighbouring buckets `indices`.
  public func floats(of indices: Range<Int>) -> Range<Int> {
    guard let first = indices.first, let last = indices.last else { return 0..<0 }
    return buckets[last].lowerBound..<buckets[first].upperBound
  }

  /// One line: the number of buckets, and their sizes in KiB in plan order.
  public var description: String {
    let sizes = buckets.map { "\(($0.count * MemoryLayout<Float>.stride + 1023) / 1024)" }
    return "\(buckets.count) buckets of \(sizes.joined(separator: ", ")) KiB"
  }
}

/// Buckets being filled from a buffer's end to its beginning; caps in floats.
private struct Filling {
  private let first: Int
  private let others: Int
  private let cutsSlots: Bool
  private var open: Range<Int>
  private(set) var closed: [Range<Int>] = []

  init(at end: Int, first: Int, others: Int, cutsSlots: Bool) {
    (self.first, self.others, self.cutsSlots) = (first, others, cutsSlots)
    open = end..<end
  }

  private var cap: Int { closed.isEmpty ? first : others }

  /// Adds a slot of `size` floats, cut only where it is larger than the bucket it would begin in.
  mutating func add(_ size: Int) {
    if open.count + size > cap && (size <= cap || !cutsSlots) { close() }
    var left = size
    while left > 0 {
      let part = cutsSlots ? min(left, cap - open.count) : left
      extend(by: part)
      left -= part
      if open.count >= cap { close() }
    }
  }

  mutating func extend(by size: Int) { open = open.lowerBound - size..<open.upperBound }

  mutating func close() {
    if !open.isEmpty { closed.append(open) }
    open = open.lowerBound..<open.lowerBound
  }
}
