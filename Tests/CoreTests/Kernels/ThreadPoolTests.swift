import Core
import Foundation
import Synchronization
import Testing

/// Every share is done once, whatever threads the system lets start.
@Suite struct ThreadPoolTests {
  @Test(arguments: [1, 2, 3, 8], [0, 1, 2, 7])
  func everyShareIsDoneOnceWhereWorkersAreRefused(threads: Int, allowed: Int) {
    let asked = Atomic(0)
    let pool = ThreadPool(threadCount: threads) { name, body in
      guard asked.add(1, ordering: .relaxed).oldValue < allowed else { return false }
      return WorkerThread.start(named: name, body)
    }
    for _ in 0..<20 {
      let done = Mutex([Int](repeating: 0, count: threads))
      pool.run { thread in done.withLock { $0[thread] += 1 } }
      #expect(done.withLock { $0 } == [Int](repeating: 1, count: threads))
    }
    let sum = Atomic(0)
    pool.forEachShare(of: 1000) { range, _ in sum.add(range.reduce(0, +), ordering: .relaxed) }
    #expect(sum.load(ordering: .relaxed) == 499_500)
  }

  /// Uses the calling thread's processor for `seconds`.
  private func work(_ seconds: Double) {
    let end = WorkProfile.threadSeconds() + seconds
    while WorkProfile.threadSeconds() < end {}
  }

  @Test func aProfileTellsLongestSharesAndWhatIsBetween() {
    let pool = ThreadPool(threadCount: 2)
    pool.run { _ in work(0.5) }
    let profile = pool.profiling {
      for _ in 0..<2 {
        pool.run { thread in work(thread == 0 ? 0.01 : 0.03) }
        work(0.02)
      }
    }
    #expect(profile.regions == 2)
    // Processor time, to which a busy machine adds little.
    #expect(profile.total >= 0.08 && profile.total < 0.12)
    #expect(profile.longest >= 0.06 && profile.longest < 0.09)
    #expect(profile.serial >= 0.04 && profile.serial < 0.06)
    #expect(abs(profile.path - profile.longest - profile.serial) < 1e-12)
    let waiting = (profile.longest - profile.total / 2) / profile.path
    #expect(abs(profile.unevenness(threads: 2) - waiting) < 1e-9 && waiting > 0.1)
    #expect(pool.profiling {}.regions == 0)
  }

  @Test(arguments: [1, 3]) func aProfiledPoolDoesAllChunksOnce(threads: Int) {
    let pool = ThreadPool(threadCount: threads)
    let done = Mutex([Int](repeating: 0, count: 100))
    let threadsSeen = Mutex(Set<Int>())
    _ = pool.profiling {
      pool.forEachChunk(of: 100, size: 7) { range, thread in
        done.withLock { done in range.forEach { done[$0] += 1 } }
        _ = threadsSeen.withLock { $0.insert(thread) }
      }
    }
    #expect(done.withLock { $0 } == [Int](repeating: 1, count: 100))
    #expect(threadsSeen.withLock { $0 } == Set(0..<threads))
  }

  @Test func aThreadThatStartsRunsItsBody() {
    let ended = DispatchSemaphore(value: 0)
    #expect(WorkerThread.start(named: "a name longer than the system's") { ended.signal() })
    #expect(ended.wait(timeout: .now() + 300) == .success)
  }
}
