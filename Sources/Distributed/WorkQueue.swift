import Foundation

/// Work for one thread, in the order in which it was handed over.
///
/// `@unchecked`: all state is guarded by one condition.
final class WorkQueue<Argument>: @unchecked Sendable {
  private let condition = NSCondition()
  private var waiting: [(Argument) -> Void] = []
  private var isClosed = false

  /// Hands `work` over.
  func push(_ work: @escaping (Argument) -> Void) {
    condition.withLock {
      waiting.append(work)
      condition.signal()
    }
  }

  /// Lets the thread end once nothing is left.
  func close() {
    condition.withLock {
      isClosed = true
      condition.signal()
    }
  }

  /// Does all work with `argument` as it comes, until the queue is closed.
  func work(with argument: Argument) {
    while let work = next() { work(argument) }
  }

  private func next() -> ((Argument) -> Void)? {
    condition.withLock {
      while waiting.isEmpty {
        if isClosed { return nil }
        condition.wait()
      }
      return waiting.removeFirst()
    }
  }
}
