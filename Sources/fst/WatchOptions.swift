import ArgumentParser
import Core

/// What is looked at while a run trains.
struct WatchOptions: ParsableArguments {
  @Option(
    name: .key("check_replicas"),
    help: ArgumentHelp(
      "Compare the parameters of all ranks every so many steps and name the rank that differs; "
        + "0 is at the start and after each epoch only (default: 0).", valueName: "steps"))
  var checkReplicas: Int?

  @Option(
    name: .key("timeline"),
    help: ArgumentHelp(
      "Write when each rank loaded, computed, communicated, waited and saved as a Chrome trace, for "
        + "chrome://tracing or ui.perfetto.dev (default: none).", valueName: "file"))
  var timeline: String?

  func add(to flags: inout GivenFlags) {
    flags.add("check_replicas", checkReplicas)
    flags.add("timeline", timeline)
  }
}
