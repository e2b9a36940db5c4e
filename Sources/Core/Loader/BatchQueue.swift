import Distributed
import Foundation

/// A bounded queue between the thread that prepares batches and the one that trains on them.
///
/// It owns the lock that guards its state; `@unchecked` because every field is touched under it.
final class BatchQueue: @unchecked Sendable {
  private let condition = NSCondition()
  private let capacity: Int
  private var batches: [Batch] = []
  private var isFinished = false
  private var isCancelled = false

  /// A queue that holds at most `capacity` batches.
  init(capacity: Int) { self.capacity = capacity }

  /// Adds a batch once there is room; false where the consumer has gone away.
  func push(_ batch: Batch) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    while batches.count >= capacity && !isCancelled { condition.wait() }
    guard !isCancelled else { return false }
    batches.append(batch)
    condition.broadcast()
    return true
  }

  /// Says that no batch will follow.
  func finish() {
    condition.lock()
    isFinished = true
    condition.broadcast()
    condition.unlock()
  }

  /// The next batch in order; nil after the last one.
  func pop() -> Batch? {
    condition.lock()
    defer { condition.unlock() }
    while batches.isEmpty && !isFinished && !isCancelled { condition.wait() }
    guard !batches.isEmpty else { return nil }
    let batch = batches.removeFirst()
    condition.broadcast()
    return batch
  }

  /// Lets the producer stop, also while it waits for room.
  func cancel() {
    condition.lock()
    isCancelled = true
    batches.removeAll()
    condition.broadcast()
    condition.unlock()
  }
}

/// Float buffers of batches, used again once nobody else holds them; it owns those buffers.
struct BufferPool {
  private var buffers: [FloatBuffer] = []

  /// A buffer of `count` floats with arbitrary content.
  mutating func buffer(count: Int) -> FloatBuffer {
    for index in buffers.indices
    where buffers[index].count == count && isKnownUniquelyReferenced(&buffers[index]) {
      return buffers[index]
    }
    buffers.removeAll { $0.count != count }
    let fresh = FloatBuffer(count: count)
    buffers.append(fresh)
    return fresh
  }
}
