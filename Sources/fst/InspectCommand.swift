import ArgumentParser
import Core
import Foundation

/// `fst inspect`: what is in a torch archive.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Print what is in a torch archive, never running any of it.",
    discussion: """
      Names, types and shapes as a tree; values only with --values: whole
      ones of up to 1,000 elements, the first eight of longer ones, and how
      many are left. --entry shows one part of the archive, and with --values
      all of its elements (up to 4 million). A pickle is read as data: what it
      asks to call is named in an error and never called, so unknown files are
      safe to look at.

        fst inspect record/cifar10/badnet/<run>/attack_result.pt
        fst inspect <run>/attack_result.pt --values --entry model.linear.weight

      Runs alone: of many ranks all but one end at once.
      """)

  @Argument(
    help: ArgumentHelp("The archive, such as attack_result.pt.", valueName: "file"),
    completion: .file())
  var file: String

  @Flag(name: .key("values"), help: "Print numbers and text too.")
  var values = false

  @Option(
    name: .key("entry"),
    help: ArgumentHelp(
      "The one part to print, its keys and indices joined by dots.", valueName: "path"))
  var entry: String?

  @Flag(name: .key("json"), help: "The tree as one JSON object in one line.")
  var json = false

  func run() throws {
    if Ending.launchedRank > 0 { return }
    let tree = try ArchiveTree.read(path: file, entry: entry, showsValues: values)
    if json {
      StandardOutput.json(tree.json)
    } else {
      StandardOutput.write(tree.text.printable(keepingLines: true))
    }
  }
}
