import ArgumentParser
import Core

/// When a run's state is saved, and whether it goes on from what was saved.
struct CheckpointOptions: ParsableArguments {
  @Option(
    name: .key("resume"), defaultAsFlag: "true",
    help: ArgumentHelp(
      """
      Go on with an interrupted run in the same folder: true, or no value, stops where the \
      checkpoints that are there cannot be used; auto starts anew then; without any both start anew \
      and say so (default: false).
      """, valueName: "true|false|auto"))
  var resume: String?

  @Option(
    name: .key("checkpoint_steps"),
    help: ArgumentHelp(
      "Save a checkpoint every so many steps; 0 is at the end of each epoch only (default: 0).",
      valueName: "n"))
  var checkpointSteps: Int?

  @Option(
    name: .key("keep_checkpoints"),
    help: ArgumentHelp("Keep the last so many checkpoints (default: 2).", valueName: "n"))
  var keepCheckpoints: Int?

  func add(to flags: inout GivenFlags) {
    flags.add("resume", plain: resume)
    flags.add("checkpoint_steps", checkpointSteps)
    flags.add("keep_checkpoints", keepCheckpoints)
  }
}
