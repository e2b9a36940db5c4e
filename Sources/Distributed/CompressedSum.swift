import CompressionShim

/// How gradients travel between the ranks.
public enum GradientCompression: String, CaseIterable, Sendable {
  /// As they are.
  case none
  /// As half-precision numbers, with error feedback: see Note [Compressed sum].
  case fp16

  /// The bytes in which one gradient travels.
  public var bytesPerGradient: Int { self == .fp16 ? 2 : 4 }
}

/// Sums gradients over the ranks as half-precision numbers, and keeps what rounding loses.
///
/// Note [Compressed sum]: each rank adds to a bucket's gradients the errors it has kept, rounds to
/// halves, and keeps the new errors. Each rank then gets every rank's halves of one slice of the
/// bucket, adds them as floats in rank order, rounds the sum to halves, and adds what that loses to
/// its own errors; the slices' halves are gathered by all. So a ring's two passes take half the
/// bytes, all ranks end with the same bits, and what a step loses is part of the next one's sum:
/// over many steps nothing is lost. A checkpoint does not hold the errors.
///
/// It owns the errors and the memory for halves. `@unchecked`: the communicating thread alone uses
/// them.
final class CompressedSum: @unchecked Sendable {
  private let start: Int
  private let errors: FloatBuffer
  private let sums: FloatBuffer
  private var halves: [UInt16]
  private var received: [UInt16]

  /// Sums the buckets of `plan` over `worldSize` ranks; no error is kept yet.
  init(_ plan: BucketPlan, worldSize: Int) {
    let largest = plan.buckets.map(\.count).max() ?? 0
    let slice = (largest + worldSize - 1) / worldSize
    start = plan.range.lowerBound
    errors = FloatBuffer(count: plan.count)
    sums = FloatBuffer(count: slice)
    halves = Array(repeating: 0, count: largest)
    received = Array(repeating: 0, count: slice * worldSize)
  }

  /// Replaces the `gradients` in `bucket` by their sums over all ranks.
  func reduce(
    _ gradients: FloatBuffer, _ bucket: Range<Int>, on communicator: any Communicator
  ) throws {
    let (count, world) = (bucket.count, communicator.worldSize)
    let slices = (0..<world).map { count * $0 / world..<count * ($0 + 1) / world }
    let mine = slices[communicator.rank]
    let bytes = slices.map { $0.lowerBound * 2..<$0.upperBound * 2 }
    let values = gradients.pointer + bucket.lowerBound
    let errors = errors.pointer + (bucket.lowerBound - start)
    try halves.withUnsafeMutableBufferPointer { halves in
      guard let halves = halves.baseAddress else { return }
      let raw = UnsafeMutableRawBufferPointer(start: halves, count: count * 2)
      fst_half_compress(values, errors, halves, count)
      try sum(UnsafeRawBufferPointer(raw), slices: bytes, mine.count, on: communicator)
      fst_half_round_sums(
        sums.pointer, errors + mine.lowerBound, halves + mine.lowerBound, mine.count)
      try communicator.allGather(bytes, in: raw)
      fst_half_expand(halves, values, count)
    }
  }

  /// Puts the sums of this rank's slice, of `count` numbers, into `sums`.
  private func sum(
    _ halves: UnsafeRawBufferPointer, slices: [Range<Int>], _ count: Int,
    on communicator: any Communicator
  ) throws {
    try received.withUnsafeMutableBufferPointer { received in
      try communicator.allToAll(
        halves, slices: slices, received: UnsafeMutableRawBufferPointer(received))
      guard let first = received.baseAddress else { return }
      fst_half_expand(first, sums.pointer, count)
      for rank in 1..<communicator.worldSize {
        fst_half_add(first + rank * count, sums.pointer, count)
      }
    }
  }
}
