import Foundation

/// A loop over independent items on all cores.
enum ParallelLoop {
  /// Calls `body` for each of `0..<count`, in chunks of consecutive items, in no fixed order.
  ///
  /// Items must not write to the same memory: the compiler cannot see that they do not. Throws the
  /// error of the lowest item that failed among those tried; a chunk ends at its first.
  static func forEach<E: Error>(
    _ count: Int, chunk: Int = 64, _ body: (Int) throws(E) -> Void
  ) throws(E) {
    let lock = NSLock()
    nonisolated(unsafe) var failure: (item: Int, error: E)?
    withoutActuallyEscaping(body) { body in
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(iterations: (count + chunk - 1) / chunk) { part in
        for item in part * chunk..<min(count, (part + 1) * chunk) {
          do throws(E) {
            try body(item)
          } catch {
            lock.withLock {
              if item < failure?.item ?? Int.max { failure = (item, error) }
            }
            return
          }
        }
      }
    }
    if let failure { throw failure.error }
  }
}
