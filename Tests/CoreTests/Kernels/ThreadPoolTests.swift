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

  @Test func aThreadThatStartsRunsItsBody() {
    let ended = DispatchSemaphore(value: 0)
    #expect(WorkerThread.start(named: "a name longer than the system's") { ended.signal() })
    #expect(ended.wait(timeout: .now() + 300) == .success)
  }
}
