import Core
import Foundation
import Synchronization
import Testing

@Suite struct ParallelLoopTests {
  @Test(arguments: [1, 2, 3]) func neverMoreThreadsThanGiven(threads: Int) {
    let running = Atomic(0)
    let most = Mutex(0)
    let done = Mutex(Set<Int>())
    ParallelLoop.forEach(200, chunk: 1, threads: threads) { item in
      let now = running.add(1, ordering: .relaxed).newValue
      most.withLock { $0 = max($0, now) }
      usleep(200)
      running.subtract(1, ordering: .relaxed)
      done.withLock { _ = $0.insert(item) }
    }
    #expect(most.withLock { $0 } <= threads)
    #expect(done.withLock { $0 } == Set(0..<200))
  }

  @Test func processorsAreThoseOfTheAffinityMask() throws {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") })
    let digits = line.dropFirst("Cpus_allowed:".count).compactMap { $0.hexDigitValue }
    #expect(ParallelLoop.processors == digits.reduce(0) { $0 + $1.nonzeroBitCount })
  }

  @Test func allFailuresAreCountedAndTheLowestKept() {
    struct Failure: Error { let item: Int }
    let failures = ParallelLoop.failures(1000, chunk: 7, keeping: 3) { item throws(Failure) in
      if item % 10 == 5 { throw Failure(item: item) }
    }
    #expect(failures.count == 100)
    #expect(failures.first.map(\.item) == [5, 15, 25])
    #expect(failures.first.map(\.error.item) == [5, 15, 25])
  }
}
