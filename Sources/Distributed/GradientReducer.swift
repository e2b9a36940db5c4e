/// Sums the gradients of all ranks, bucket by bucket in plan order, while backward still runs.
///
/// The loss is divided by the global batch size before backward, so the sum over the ranks is the
/// gradient of the global mean and nothing is averaged here. Uneven shares of the batch need no
/// care. Between `begin` and `finish` each slot is marked ready once; a bucket whose slots are all
/// ready is handed to the communicator as soon as all buckets before it are ready too. Where
/// communication has a thread of its own it then runs beside the computation: see Note
/// [Communication thread].
/// Deferred buckets wait beyond `finish`, for `beginDeferred` and `finishDeferred`.
public final class GradientReducer {
  /// The plan; see Note [Bucket order].
  public let plan: BucketPlan

  /// What a step's communication came to.
  public struct Report: Sendable {
    /// Each bucket's name, its bytes as it travelled, and times, in the order of their
    /// communication.
    public var buckets: [(name: String, bytes: Int, times: PendingWork.Times)] = []
    /// The time that `finish` and `finishDeferred` waited: communication that nothing hid.
    public var exposed = Duration.zero
  }

  /// The communication since the last `begin`; empty in a world of one.
  public private(set) var report = Report()

  private let communicator: any Communicator
  private let compressed: (any BucketSum)?
  private let firstCompressed: Int
  /// Whether this step's buckets are compressed.
  private var isCompressing = false
  private let gradients: FloatBuffer
  private let slotAt: [Int: Int]
  private var step = 0
  private var isMarked: [Bool] = []
  private var missing: [Int] = []
  private var next = 0
  private typealias Sending = (bytes: Int, work: PendingWork)
  private var pending: [Sending] = []
  private let deferred: Range<Int>
  /// Whether the last step's deferred buckets are still to be handed over.
  private var owesDeferred = false
  private var pendingDeferred: [Sending] = []

  /// Reduces the part of `gradients` that `plan` covers.
  ///
  /// `compression` has no effect in a world of one; `powerSGD` is for that form alone, whose plan
  /// cuts no slot and tells its slots' rows.
  public init(
    communicator: any Communicator, gradients: FloatBuffer, plan: BucketPlan,
    compression: GradientCompression = .none, powerSGD: PowerSGDSettings = PowerSGDSettings(),
    deferred: Range<Int> = 0..<0
  ) {
    precondition(
      plan.range.upperBound == gradients.count,
      "a plan for floats \(plan.range) of a buffer of \(gradients.count)")
    self.communicator = communicator
    self.gradients = gradients
    self.plan = plan
    self.deferred = deferred
    let world = communicator.worldSize
    compressed =
      switch compression {
      case _ where world == 1: nil
      case .none: nil
      case .fp16: CompressedSum(plan, .half, worldSize: world)
      case .bf16: CompressedSum(plan, .bfloat, worldSize: world)
      case .powersgd: LowRankSum(plan, rank: powerSGD.rank)
      }
    firstCompressed = compression == .powersgd ? powerSGD.start : 0
    let filled = plan.slots.enumerated().filter { !$0.element.isEmpty }
    slotAt = Dictionary(uniqueKeysWithValues: filled.map { ($0.element.lowerBound, $0.offset) })
  }

  /// The bytes in which all buckets travel once they are compressed.
  public var compressedBytes: Int {
    plan.buckets.indices.reduce(0) { $0 + bytes(ofBucket: $1, compressed: compressed) }
  }

  /// Begins a step, in which no gradient is ready yet, after `taken` steps of the run; nil are those
  /// begun here.
  public func begin(afterSteps taken: Int? = nil) {
    precondition(
      pending.isEmpty && !owesDeferred, "a step begun before the last one was finished")
    isCompressing = taken ?? step >= firstCompressed
    step += 1
    isMarked = plan.slots.map(\.isEmpty)
    missing = plan.buckets.map(\.count)
    next = 0
    report = Report()
  }

  /// Takes note that the gradients in `slot`, which must be one of the plan's, are final.
  public func markReady(_ slot: Range<Int>) {
    guard !slot.isEmpty else { return }
    guard let index = slotAt[slot.lowerBound], plan.slots[index] == slot else {
      preconditionFailure("floats \(slot) are no slot of the plan")
    }
    precondition(!isMarked[index], "the gradient in floats \(slot) was ready twice")
    isMarked[index] = true
    for (bucket, range) in plan.buckets.enumerated() {
      missing[bucket] -= range.clamped(to: slot).count
    }
    while next < missing.count, missing[next] == 0 {
      if communicator.worldSize > 1, !deferred.contains(next) {
        pending.append(sendBucket(next))
      }
      next += 1
    }
  }

  /// Has all of `buffer` summed too, as a bucket of this step; it is final at `finish`.
  ///
  /// It is never compressed.
  public func add(_ buffer: FloatBuffer, named name: String) {
    guard communicator.worldSize > 1 else { return }
    let work = communicator.begin("\(name) of step \(step)") {
      try $0.allReduceSum(buffer.floats)
    }
    pending.append((buffer.count * MemoryLayout<Float>.stride, work))
  }

  /// Returns once all gradients but deferred ones are replaced by their sums over all ranks.
  ///
  /// Every slot must have been marked: a gradient left out would differ between the ranks.
  public func finish() throws {
    let unmarked = zip(plan.slots, isMarked).filter { !$0.1 }.map(\.0)
    precondition(unmarked.isEmpty, "no gradient was ready in floats \(unmarked)")
    try waitFor(&pending)
    precondition(pendingDeferred.isEmpty, "deferred gradients of two steps at once")
    owesDeferred = !deferred.isEmpty
  }

  /// Begins to sum the deferred buckets of the step that was finished last.
  ///
  /// All ranks call it at the same place among all that they hand over.
  public func beginDeferred() {
    guard owesDeferred else { return }
    owesDeferred = false
    pendingDeferred = deferred.map(sendBucket)
  }

  /// Returns once the deferred gradients are replaced by their sums as well.
  public func finishDeferred() throws {
    beginDeferred()
    try waitFor(&pendingDeferred)
  }

  /// Replaces every gradient by its sum over all ranks, all at once.
  public func reduce() throws {
    begin()
    markAllReady()
    try finish()
    try finishDeferred()
  }

  /// Marks every slot of the plan ready.
  public func markAllReady() { plan.slots.forEach(markReady) }

  private func waitFor(_ sendings: inout [Sending]) throws {
    let start = ContinuousClock.now
    for (bytes, work) in sendings {
      try work.wait()
      if let times = work.times { report.buckets.append((work.name, bytes, times)) }
    }
    sendings = []
    report.exposed += start.duration(to: .now)
  }

  /// Hands over bucket number `index`, as this step's buckets travel.
  private func sendBucket(_ index: Int) -> Sending {
    let compressed = isCompressing ? compressed : nil
    let floats = plan.buckets[index]
    let work = communicator.begin("bucket \(index + 1) of step \(step)") { [gradients] in
      if let compressed { return try compressed.reduce(gradients, bucket: index, on: $0) }
      try $0.allReduceSum(UnsafeMutableBufferPointer(rebasing: gradients.floats[floats]))
    }
    return (bytes(ofBucket: index, compressed: compressed), work)
  }

  private func bytes(ofBucket index: Int, compressed: (any BucketSum)?) -> Int {
    compressed?.bytes(ofBucket: index) ?? plan.buckets[index].count * MemoryLayout<Float>.stride
  }
}
