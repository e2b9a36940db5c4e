import Foundation

/// Threads whose start can fail, and says so.
///
/// Foundation's `Thread` does not tell where the system refuses one, under `ulimit -v` or `-u`, and
/// whoever waits for its work then waits for ever.
package enum WorkerThread {
  private static let stackSize = 8 << 20

  /// Starts a thread that runs `body`; whether it did.
  package static func start(named name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
    #if os(Linux)
      var attributes = pthread_attr_t()
      guard pthread_attr_init(&attributes) == 0 else { return false }
      defer { pthread_attr_destroy(&attributes) }
      pthread_attr_setstacksize(&attributes, stackSize)
      pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
      let work = Unmanaged.passRetained(Work(name: name, body: body))
      var thread = pthread_t()
      let status = pthread_create(&thread, &attributes, Work.run, work.toOpaque())
      if status != 0 { work.release() }
      return status == 0
    #else
      let thread = Thread(block: body)
      (thread.stackSize, thread.name) = (stackSize, name)
      thread.start()
      return true
    #endif
  }
}

#if os(Linux)
  /// What a thread is to do, until it has begun.
  private final class Work: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      (self.name, self.body) = (name, body)
    }

    static let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { raw in
      guard let raw else { return nil }
      let work = Unmanaged<Work>.fromOpaque(raw).takeRetainedValue()
      Thread.current.name = work.name
      work.body()
      return nil
    }
  }
#endif
