import Core
import Foundation

/// Turns signals into requests to the training loop; see Note [Signals] in Core.
///
/// Ctrl-C and SIGTERM save and stop after the running step; a second one ends the process at once.
/// SIGUSR1, which batch systems send ahead of a time limit and mpirun passes on to all ranks, saves
/// and goes on.
enum Signals {
  /// Kept so that they go on listening; only `interruption` writes it, once, on the main thread.
  private nonisolated(unsafe) static var sources: [any DispatchSourceSignal] = []

  /// Starts to listen; where `announcing`, the first request to stop is answered with a line.
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
    guard number != SIGUSR1 else { return interruption.requestSave() }
    if interruption.isRequested { _exit(128 + number) }
    interruption.request()
    guard announcing else { return }
    Progress.finishLine()
    StandardError.line("stopping after this step. Ctrl-C again ends at once.")
  }
}
