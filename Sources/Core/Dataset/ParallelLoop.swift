import Foundation
import Synchronization

/// A loop over independent items on the processors that this process may use.
package enum ParallelLoop {
  /// What went wrong in a loop: how often, and the first items.
  package struct Failures<E: Error> {
    package var count = 0
    package var first: [(item: Int, error: E)] = []
  }

  /// The threads that this process can run at once.
  package static let processors = Processors.current.usable

  /// Calls `body` for each of `0..<count`, in chunks of consecutive items, in no fixed order, on at
  /// most `threads` threads; nil are `processors`.
  ///
  /// Items must not write to the same memory: the compiler cannot see that they do not. Throws the
  /// error of the lowest item that failed among those tried; a chunk ends at its first.
  package static func forEach<E: Error>(
    _ count: Int, chunk: Int = 64, threads: Int? = nil, _ body: (Int) throws(E) -> Void
  ) throws(E) {
    let failures = run(count, chunk: chunk, threads: threads, keeping: 1, goesOn: false, body)
    if let failure = failures.first.first { throw failure.error }
  }

  /// Calls `body` for each of `0..<count` as `forEach` does, but for all items whatever fails;
  /// returns how many did, and the errors of the `kept` lowest.
  package static func failures<E: Error>(
    _ count: Int, chunk: Int = 64, threads: Int? = nil, keeping kept: Int,
    _ body: (Int) throws(E) -> Void
  ) -> Failures<E> {
    run(count, chunk: chunk, threads: threads, keeping: kept, goesOn: true, body)
  }

  private static func run<E: Error>(
    _ count: Int, chunk: Int, threads: Int?, keeping kept: Int, goesOn: Bool,
    _ body: (Int) throws(E) -> Void
  ) -> Failures<E> {
    let parts = (count + chunk - 1) / chunk
    let next = Atomic(0)
    let lock = NSLock()
    nonisolated(unsafe) var failures = Failures<E>()
    withoutActuallyEscaping(body) { body in
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(
        iterations: min(parts, max(threads ?? processors, 1))
      ) { _ in
        while case let part = next.add(1, ordering: .relaxed).oldValue, part < parts {
          for item in part * chunk..<min(count, (part + 1) * chunk) {
            do throws(E) {
              try body(item)
            } catch {
              lock.withLock { failures.add(item, error, keeping: kept) }
              if !goesOn { break }
            }
          }
        }
      }
    }
    return failures
  }
}

extension ParallelLoop.Failures {
  fileprivate mutating func add(_ item: Int, _ error: E, keeping kept: Int) {
    count += 1
    let place = first.firstIndex { $0.item > item } ?? first.endIndex
    guard place < kept else { return }
    first.insert((item, error), at: place)
    if first.count > kept { first.removeLast() }
  }
}
