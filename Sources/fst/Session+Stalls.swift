import Core
import Distributed
import Foundation

extension Session {
  /// Starts to watch for ranks that keep the others waiting; all ranks call it.
  func watchStalls(warning: Double, exit: Double) throws -> StallWatch? {
    try StallWatch.start(
      on: communicator, limits: StallLimits(warning: warning, exit: exit),
      warn: {
        Progress.finishLine()
        StandardError.line("warning: \($0)")
      },
      end: {
        Progress.finishLine()
        if let message = $0 { Ending.say(message) }
        LauncherEnd.expect()
        _exit(ExitStatus.interrupted)
      })
  }
}
