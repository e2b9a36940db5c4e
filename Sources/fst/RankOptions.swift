import ArgumentParser
import Core
import Distributed
import Foundation

/// How ranks work together, and how long they wait for one another.
struct RankOptions: ParsableArguments {
  @Option(
    name: .key("accumulation_steps"),
    help: ArgumentHelp(
      "Parts in which each rank computes its share of a step, with one sum over the ranks at the "
        + "end: less memory, and larger batches for slow networks. Batch normalisation takes each "
        + "part's statistics (default: 1).", valueName: "n"))
  var accumulationSteps: Int?

  @Option(
    name: .key("compress"),
    help: ArgumentHelp(
      "fp16: gradients travel as half-precision numbers, half the bytes for slow networks; what "
        + "rounding loses is added at the next step, and dropped on --resume. Not with --sync_bn "
        + "(default: none).", valueName: "form"))
  var compression: GradientCompression?

  @Option(
    name: .key("stall_warn"),
    help: ArgumentHelp(
      "Name the ranks that others wait for after so many seconds; 0 is never (default: 30).",
      valueName: "seconds"))
  var stallWarning: Double?

  @Option(
    name: .key("stall_exit"),
    help: ArgumentHelp(
      "End the run then, with exit status 75; saving and evaluating do not count. A rank whose "
        + "host, link or process is gone ends it after 12 s already; 0 is never (default: 300).",
      valueName: "seconds"))
  var stallExit: Double?

  func add(to flags: inout GivenFlags) {
    flags.add("accumulation_steps", accumulationSteps)
    flags.add("compress", compression)
    flags.add("stall_warn", stallWarning)
    flags.add("stall_exit", stallExit)
  }
}

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
