import Foundation
import Synchronization

/// A fixed set of threads that run one body together; it owns its worker threads.
///
/// Thread t always gets the same share of the work, so sums associate in the same order on every
/// run. The calling thread takes part as thread 0. Workers spin, then yield, then sleep: kernels of
/// one step follow each other closely, and an idle program must not burn a core.
public final class ThreadPool: Sendable {
  /// The number of threads that take part, the caller included.
  public let threadCount: Int
  private let state = PoolState()
  /// The threads that run: the caller, and the workers that the system let start.
  private let running: Int
  /// Takes the time of each thread's shares; nil unless someone asks.
  private let meter = Mutex<WorkMeter?>(nil)

  /// Starts `threadCount - 1` workers.
  ///
  /// Where the system refuses some, the calling thread does their shares after its own: same bits,
  /// more slowly.
  public convenience init(threadCount: Int) {
    self.init(threadCount: threadCount, start: WorkerThread.start)
  }

  /// The same, with `start` for the workers.
  package init(threadCount: Int, start: (String, @escaping @Sendable () -> Void) -> Bool) {
    precondition(threadCount > 0, "a pool of \(threadCount) threads")
    self.threadCount = threadCount
    running =
      1
      + (1..<max(threadCount, 1)).prefix { [state] index in
        start("fst-worker-\(index)") { state.work(as: index) }
      }.count
  }

  deinit { state.stop() }

  /// Calls `body(t)` once on every thread t, and returns when all have ended.
  public func run(_ body: (Int) -> Void) {
    guard let meter = meter.withLock({ $0 }) else { return runShares(body) }
    meter.begin()
    runShares { thread in
      let start = WorkProfile.threadSeconds()
      body(thread)
      meter.took(WorkProfile.threadSeconds() - start, thread: thread)
    }
    meter.end()
  }

  /// Calls `work`, and says how the threads have shared what it ran here.
  package func profiling(_ work: () throws -> Void) rethrows -> WorkProfile {
    let meter = WorkMeter(threads: threadCount)
    self.meter.withLock { $0 = meter }
    defer { self.meter.withLock { $0 = nil } }
    let begun = WorkProfile.threadSeconds()
    try work()
    return meter.finish(callerSeconds: WorkProfile.threadSeconds() - begun)
  }

  private func runShares(_ body: (Int) -> Void) {
    if running > 1 {
      withoutActuallyEscaping(body) { state.run($0, workers: running - 1) }
    } else {
      body(0)
    }
    for thread in running..<threadCount { body(thread) }
  }

  /// Calls `body(range, t)` once on every thread with its contiguous share of `0..<count`.
  public func forEachShare(of count: Int, _ body: (Range<Int>, Int) -> Void) {
    run { thread in
      let share = Self.share(of: count, thread: thread, threadCount: threadCount)
      if !share.isEmpty { body(share, thread) }
    }
  }

  /// Calls `body(range, t)` for each chunk of `size` consecutive items of `0..<count`, on whichever
  /// thread t comes first.
  ///
  /// Chunks do not depend on the number of threads: what each computes alone has the same bits for
  /// any. The calling thread calls `beside` before it takes chunks, while others have begun.
  package func forEachChunk(
    of count: Int, size: Int, beside: () -> Void = {}, _ body: (Range<Int>, Int) -> Void
  ) {
    let next = Atomic<Int>(0)
    // Where there are fewer cores than threads, the first ones to run would take all.
    let isInTurn = meter.withLock { $0 != nil }
    run { thread in
      if thread == 0 { beside() }
      if isInTurn {
        for start in stride(from: thread * size, to: count, by: threadCount * size) {
          body(start..<min(start + size, count), thread)
        }
        return
      }
      while true {
        let start = next.add(size, ordering: .relaxed).oldValue
        if start >= count { return }
        body(start..<min(start + size, count), thread)
      }
    }
  }

  /// Thread `thread`'s contiguous share of `0..<count`.
  public static func share(of count: Int, thread: Int, threadCount: Int) -> Range<Int> {
    count * thread / threadCount..<count * (thread + 1) / threadCount
  }
}

/// What the pool's owner and its workers share.
///
/// `@unchecked`: `body` is written before `generation` grows (releasing) and read after that was
/// seen (acquiring); `isStopped` is only touched under the lock.
private final class PoolState: @unchecked Sendable {
  private let generation = Atomic<Int>(0)
  private let running = Atomic<Int>(0)
  private let lock = NSCondition()
  private var body: ((Int) -> Void)?
  private var isStopped = false

  /// Looks at `generation` this often before a worker lets others run (some 20 microseconds).
  private static let spinLimit = 20_000
  /// Lets others run this often before it sleeps (1 to 2 milliseconds).
  ///
  /// To be woken takes longer than most kernels' shares differ: 1 to 1.5 % of a training step or an
  /// evaluation.
  private static let yieldLimit = 4_000

  func run(_ body: @escaping (Int) -> Void, workers: Int) {
    self.body = body
    running.store(workers, ordering: .relaxed)
    lock.lock()
    generation.add(1, ordering: .releasing)
    lock.broadcast()
    lock.unlock()
    body(0)
    while running.load(ordering: .acquiring) > 0 { sched_yield() }
    self.body = nil
  }

  func work(as index: Int) {
    var seen = 0
    while waitForBody(after: seen) {
      seen += 1
      body?(index)
      running.subtract(1, ordering: .releasing)
    }
  }

  func stop() {
    lock.lock()
    isStopped = true
    lock.broadcast()
    lock.unlock()
  }

  /// Waits until `generation` passes `seen`; false once the pool has stopped.
  private func waitForBody(after seen: Int) -> Bool {
    for _ in 0..<Self.spinLimit where generation.load(ordering: .acquiring) != seen { return true }
    for _ in 0..<Self.yieldLimit {
      sched_yield()
      if generation.load(ordering: .acquiring) != seen { return true }
    }
    lock.lock()
    defer { lock.unlock() }
    while generation.load(ordering: .acquiring) == seen {
      if isStopped { return false }
      lock.wait()
    }
    return true
  }
}
