/// Sums gradients over the ranks as numbers of 16 bits, and keeps what rounding loses.
///
/// Note [Compressed sum]: each rank adds to a bucket's gradients the errors it has kept, rounds to
/// 16 bits, and keeps the new errors. Each rank then gets every rank's numbers of one slice of the
/// bucket, adds them as floats in rank order, rounds the sum too, and adds what that loses to its
/// own errors; the slices are gathered by all. So a ring's two passes take half the bytes, all ranks
/// end with the same bits, and what a step loses is part of the next one's sum: over many steps
/// nothing is lost. A checkpoint does not hold the errors.
///
/// It owns the errors and the memory for short numbers. `@unchecked`: the communicating thread alone
/// uses them.
final class CompressedSum: BucketSum, @unchecked Sendable {
  private let format: SixteenBitFormat
  private let buckets: [Range<Int>]
  private let start: Int
  private let errors: FloatBuffer
  private let sums: FloatBuffer
  private var numbers: [UInt16]
  private var received: [UInt16]

  /// Sums the buckets of `plan` over `worldSize` ranks; no error is kept yet.
  init(_ plan: BucketPlan, _ format: SixteenBitFormat, worldSize: Int) {
    (self.format, buckets) = (format, plan.buckets)
    let largest = plan.buckets.map(\.count).max() ?? 0
    let slice = (largest + worldSize - 1) / worldSize
    start = plan.range.lowerBound
    errors = FloatBuffer(count: plan.count)
    sums = FloatBuffer(count: slice)
    numbers = Array(repeating: 0, count: largest)
    received = Array(repeating: 0, count: slice * worldSize)
  }

  /// Two bytes for each gradient.
  func bytes(ofBucket bucket: Int) -> Int { buckets[bucket].count * 2 }

  /// Replaces the `gradients` in bucket number `bucket` by their sums over all ranks.
  func reduce(
    _ gradients: FloatBuffer, bucket: Int, on communicator: any Communicator
  ) throws {
    let bucket = buckets[bucket]
    let (count, world) = (bucket.count, communicator.worldSize)
    let slices = (0..<world).map { count * $0 / world..<count * ($0 + 1) / world }
    let mine = slices[communicator.rank]
    let bytes = slices.map { $0.lowerBound * 2..<$0.upperBound * 2 }
    let values = gradients.pointer + bucket.lowerBound
    let errors = errors.pointer + (bucket.lowerBound - start)
    try numbers.withUnsafeMutableBufferPointer { numbers in
      guard let numbers = numbers.baseAddress else { return }
      let raw = UnsafeMutableRawBufferPointer(start: numbers, count: count * 2)
      format.compress(values, errors, numbers, count)
      try sum(UnsafeRawBufferPointer(raw), slices: bytes, mine.count, on: communicator)
      format.roundSums(
        sums.pointer, errors + mine.lowerBound, numbers + mine.lowerBound, mine.count)
      try communicator.allGather(bytes, in: raw)
      format.expand(numbers, values, count)
    }
  }

  /// Puts the sums of this rank's slice, of `count` numbers, into `sums`.
  private func sum(
    _ numbers: UnsafeRawBufferPointer, slices: [Range<Int>], _ count: Int,
    on communicator: any Communicator
  ) throws {
    try received.withUnsafeMutableBufferPointer { received in
      try communicator.allToAll(
        numbers, slices: slices, received: UnsafeMutableRawBufferPointer(received))
      guard let first = received.baseAddress else { return }
      format.expand(first, sums.pointer, count)
      for rank in 1..<communicator.worldSize {
        format.add(first + rank * count, sums.pointer, count)
      }
    }
  }
}
