import Core
import Foundation
import Synchronization

/// Turns Ctrl-C, SIGTERM and SIGUSR1 into a request to stop after the running step.
///
/// SIGUSR1 is the one that batch systems send ahead of a time limit and that mpirun passes on to
/// all ranks; it only ever requests. A second Ctrl-C or SIGTERM ends the process at once.
enum Signals {
  /// Kept so that they go on listening; only `interruption` writes it, once, on the main thread.
  private nonisolated(unsafe) static var sources: [any DispatchSourceSignal] = []

  private static let first = Mutex<Int32>(SIGINT)

  /// The exit status of a run that was stopped before anything was saved: 128 and the signal.
  static var status: Int32 { 128 + first.withLock { $0 } }

  /// Starts to listen; where `announcing`, the first request is answered with a line.
  static func interruption(announcing: Bool) -> Interruption {
    let interruption = Interruption()
    for number in [SIGINT, SIGTERM, SIGUSR1] {
      signal(number, SIG_IGN)  // the source sees it all the same; the default would end the process
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { receive(number, interruption, announcing) }
      source.resume()
      sources.append(source)
    }
    return interruption
  }

  private static func receive(_ number: Int32, _ interruption: Interruption, _ announcing: Bool) {
    guard interruption.isRequested else {
      interruption.request()
      first.withLock { $0 = number }
      if announcing {
        Progress.finishLine()
        StandardError.write("stopping; what was saved is kept. Ctrl-C again ends at once.\n")
      }
      return
    }
    if number != SIGUSR1 { _exit(128 + number) }
  }
}
