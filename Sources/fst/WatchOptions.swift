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

  func add(to flags: inout GivenFlags) {
    flags.add("check_replicas", checkReplicas)
  }
}
