import Distributed

/// Memory that a layer uses while it computes, reused by the next: a part for each thread and one
/// that all share.
///
/// It is a layer's until the next call for the same kind; it grows to the largest request and stays.
final class ScratchMemory {
  private var own: [FloatBuffer]
  private var pointers: [UnsafeMutablePointer<Float>]
  private var common = FloatBuffer(count: 0)

  /// Memory for `threads` threads, empty at first.
  init(threads: Int) {
    own = (0..<threads).map { _ in FloatBuffer(count: 0) }
    pointers = own.map(\.pointer)
  }

  /// Where each thread has `count` floats of its own.
  func perThread(_ count: Int) -> [UnsafeMutablePointer<Float>] {
    for thread in own.indices where own[thread].count < count {
      own[thread] = FloatBuffer(count: count)
      pointers[thread] = own[thread].pointer
    }
    return pointers
  }

  /// `count` floats that all threads share.
  func shared(_ count: Int) -> UnsafeMutablePointer<Float> {
    if common.count < count { common = FloatBuffer(count: count) }
    return common.pointer
  }
}
