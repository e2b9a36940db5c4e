/// Sums the gradients of all ranks, bucket by bucket in plan order, while backward still runs.
///
/// The loss is divided by the global batch size before backward, so the sum over the ranks is the
/// gradient of the global mean and nothing is averaged here. Uneven shares of the batch need no
/// care. Between `begin` and `finish` each slot is marked ready once; a bucket whose slots are all
/// ready is handed to the communicator as soon as all buckets before it are. Where communication
/// has a thread of its own it then runs beside the computation: see Note [Communication thread].
public final class GradientReducer {
  /// The plan; see Note [Bucket order].
  public let plan: BucketPlan

  /// What a step's communication came to.
  public struct Report: Sendable {
    /// Each bucket's name and times, in the order of their communication.
    public var buckets: [(name: String, times: PendingWork.Times)] = []
    /// When the last gradient was ready.
    public var lastReady = ContinuousClock.now
    /// The time that `finish` waited: communication that backward did not hide.
    public var exposed = Duration.zero
  }

  /// The last finished step's communication; empty in a world of one.
  public private(set) var report = Report()

  private let communicator: any Communicator
  private let compressed: CompressedSum?
  private let gradients: FloatBuffer
  private let slotAt: [Int: Int]
  private var step = 0
  private var isMarked: [Bool] = []
  private var missing: [Int] = []
  private var next = 0
  private var pending: [PendingWork] = []

  /// Reduces the part of `gradients` that `plan` covers.
  ///
  /// `compression` has no effect in a world of one.
  public init(
    communicator: any Communicator, gradients: FloatBuffer, plan: BucketPlan,
    compression: GradientCompression = .none
  ) {
    precondition(
      plan.range.upperBound == gradients.count,
      "a plan for floats \(plan.range) of a buffer of \(gradients.count)")
    self.communicator = communicator
    self.gradients = gradients
    self.plan = plan
    compressed =
      compression == .fp16 && communicator.worldSize > 1
      ? CompressedSum(plan, worldSize: communicator.worldSize) : nil
    let filled = plan.slots.enumerated().filter { !$0.element.isEmpty }
    slotAt = Dictionary(uniqueKeysWithValues: filled.map { ($0.element.lowerBound, $0.offset) })
  }

  /// Begins a step, in which no gradient is ready yet.
  public func begin() {
    precondition(pending.isEmpty, "a step begun before the last one was finished")
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
      let range = plan.buckets[next]
      next += 1
      send(gradients, range, "bucket \(next) of step \(step)", compressed)
    }
  }

  /// Has all of `buffer` summed too, as a bucket of this step; it is final at `finish`.
  ///
  /// It is never compressed.
  public func add(_ buffer: FloatBuffer, named name: String) {
    send(buffer, 0..<buffer.count, "\(name) of step \(step)")
  }

  /// Returns once all gradients are replaced by their sums over all ranks.
  ///
  /// Every slot must have been marked: a gradient left out would differ between the ranks.
  public func finish() throws {
    let unmarked = zip(plan.slots, isMarked).filter { !$0.1 }.map(\.0)
    precondition(unmarked.isEmpty, "no gradient was ready in floats \(unmarked)")
    report.lastReady = .now
    for work in pending {
      try work.wait()
      if let times = work.times { report.buckets.append((work.name, times)) }
    }
    pending = []
    report.exposed = report.lastReady.duration(to: .now)
  }

  /// Replaces every gradient by its sum over all ranks, all at once.
  public func reduce() throws {
    begin()
    markAllReady()
    try finish()
  }

  /// Marks every slot of the plan ready.
  public func markAllReady() { plan.slots.forEach(markReady) }

  private func send(
    _ buffer: FloatBuffer, _ range: Range<Int>, _ name: String, _ compressed: CompressedSum? = nil
  ) {
    guard communicator.worldSize > 1 else { return }
    pending.append(
      communicator.begin(name) {
        if let compressed { return try compressed.reduce(buffer, range, on: $0) }
        try $0.allReduceSum(UnsafeMutableBufferPointer(rebasing: buffer.floats[range]))
      })
  }
}
