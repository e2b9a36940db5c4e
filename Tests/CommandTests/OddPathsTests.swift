import Foundation
import TestSupport
import Testing

/// Every command x every kind of path: one line and the documented status, at once.
@Suite(.serialized) struct OddPathsTests {
  /// A command that reads or writes a path, and the status with which it refuses one.
  struct Reader: CustomStringConvertible, Sendable {
    var name: String
    var status: Int32
    /// Whether a folder is the right type, and so a file the wrong one.
    var takesFolder = false
    var arguments: [String]
    var description: String { name }
  }

  /// `@` is the path, `#` the folder of a tiny dataset.
  static let readers: [Reader] = [
    Reader(name: "evaluate", status: 1, arguments: ["evaluate", "@"] + data),
    Reader(name: "inspect", status: 1, arguments: ["inspect", "@"]),
    Reader(name: "tsne", status: 1, arguments: ["tsne", "@", "--out", "sheet.svg"]),
    Reader(
      name: "tune", status: 1, takesFolder: true,
      arguments: ["tune", "--attack", "badnet", "--result", "@"] + data),
    Reader(
      name: "trigger", status: 1,
      arguments: ["trigger", "trojannn", "--clean_model", "@", "--out", "t.png"] + data),
    Reader(
      name: "mask", status: 1, arguments: ["attack", "badnet", "--patch_mask_path", "@"] + data),
    Reader(
      name: "image", status: 1,
      arguments: ["attack", "blended", "--attack_trigger_img_path", "@"] + data),
    Reader(
      name: "folder", status: 1, takesFolder: true,
      arguments: ["attack", "badnet", "--dataset", "image_folder", "--dataset_path", "@"]),
    Reader(
      name: "cifar10", status: 1, takesFolder: true,
      arguments: ["attack", "badnet", "--dataset", "cifar10", "--dataset_path", "@"]),
    Reader(name: "bench tsne", status: 1, arguments: ["bench", "tsne", "@"]),
    Reader(name: "report", status: 1, takesFolder: true, arguments: ["report", "@"]),
    Reader(name: "sweep", status: 64, arguments: ["sweep", "@"]),
    Reader(name: "yaml_path", status: 64, arguments: ["attack", "badnet", "--yaml_path", "@"]),
    Reader(
      name: "bd_yaml_path", status: 64,
      arguments: ["attack", "badnet", "--yaml_path", "empty", "--bd_yaml_path", "@"]),
  ]
  private static let data = ["--dataset", "image_folder", "--dataset_path", "#"]

  /// Paths at which nothing stands that any of them could read, in a folder of their own.
  ///
  /// Who may read everything, as root may, finds no file without permission: a name that is too long
  /// and a file in a folder's place are refused to all.
  private static let paths = [
    "none", "empty", "x", "-", "./x", "../none", "n/none", "folder", "f", "./f", "dangling",
    "to-folder", "loop", "words", "bytes", "text/none", "/", ".", "..", "/dev/zero",
    String(repeating: "x", count: 300),
  ]

  @Test(arguments: readers) func anOddPathIsOneLineAtOnce(reader: Reader) throws {
    let place = try OddPlace()
    let tiny = try TinyDataset()
    // An empty file of settings is one that sets nothing.
    let takesEmpty = reader.name == "sweep" || reader.name.hasSuffix("yaml_path")
    for path in Self.paths where path != "empty" || !takesEmpty {
      let arguments = reader.arguments.map {
        $0 == "@" ? path : $0 == "#" ? "\(tiny.folder)/data" : $0
      }
      let output = try RunProcess.run(
        TinyDataset.program, arguments, currentFolder: place.folder)
      let note: Comment = "\(arguments) \(output.exitCode) \(output.standardError.suffix(300))"
      #expect(!output.timedOut, note)
      // A dash in the place of a flag's value may be taken for a flag.
      let statuses = path == "-" ? [reader.status, 64] : [reader.status]
      #expect(statuses.contains(output.exitCode), note)
      let said = output.errorLines.filter { $0.hasPrefix("fst: ") }
      #expect(said.count == 1 && said.first?.count ?? 0 > 10, note)
      #expect(output.standardOutput.isEmpty, note)
    }
    let made = try FileManager.default.contentsOfDirectory(atPath: place.folder).sorted()
    #expect(made == OddPlace.names.sorted())
  }

  @Test func anArchiveIsFoundByAnyOfItsPaths() throws {
    let tiny = try TinyDataset()
    let attack = try RunProcess.run(
      TinyDataset.program,
      ["attack", "badnet", "--epochs", "1", "--save_folder_name", "r", "--timeline", "t"]
        + tiny.flags, currentFolder: tiny.folder)
    #expect(attack.exitCode == 0, "\(attack.standardError)")
    #expect(FileManager.default.fileExists(atPath: "\(tiny.folder)/t"))
    let run = "\(tiny.record)/r"
    try FileManager.default.createSymbolicLink(
      atPath: "\(tiny.record)/l", withDestinationPath: "r")
    for (folder, path) in [
      (run, "attack_result.pt"), (run, "./attack_result.pt"), (run, "../r/attack_result.pt"),
      (tiny.record, "r/attack_result.pt"), (tiny.record, "./r//attack_result.pt"),
      (tiny.record, "l/attack_result.pt"),
    ] {
      for command in commands(path) {
        let output = try RunProcess.run(
          TinyDataset.program,
          command + ["--dataset", "image_folder", "--dataset_path", "\(tiny.folder)/data"],
          currentFolder: folder)
        #expect(output.exitCode == 0, "\(command) in \(folder): \(output.standardError)")
        if command[0] == "evaluate" { #expect(output.lastJSON?["triggered_total"] as? Int == 8) }
      }
      let inspect = try RunProcess.run(
        TinyDataset.program, ["inspect", path], currentFolder: folder)
      #expect(inspect.exitCode == 0, "\(inspect.standardError)")
    }
  }

  private func commands(_ path: String) -> [[String]] {
    [
      ["evaluate", path, "--json"],
      ["tune", "--attack", "badnet", "--result", path, "--epochs", "1", "--split_ratio", "0.5"]
        + ["--width", "4", "--batch_size", "10", "--threads", "1"],
      ["tsne", path, "--out", "s.svg", "--perplexity", "5", "--iterations", "250"],
      ["trigger", "badnet", "--out", "p.png"],
    ]
  }
}

/// A folder of files that are not what they should be; it owns them.
private final class OddPlace {
  static let names = [
    "bytes", "dangling", "empty", "f", "folder", "loop", "n", "text", "to-folder", "words",
  ]
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("odd-\(UUID().uuidString)").path

  init() throws {
    let files = FileManager.default
    for name in ["folder", "n"] {
      try files.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
    }
    for (name, content) in [
      ("empty", Data()), ("text", Data("text".utf8)), ("words", Data("- just\n- words\n".utf8)),
      ("bytes", Data((0..<200).map { UInt8(255 - $0) })),
    ] { try content.write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
    for (name, target) in [("dangling", "nowhere"), ("to-folder", "folder"), ("loop", "loop")] {
      try files.createSymbolicLink(atPath: "\(folder)/\(name)", withDestinationPath: target)
    }
    guard mkfifo("\(folder)/f", 0o600) == 0 else { throw CocoaError(.fileWriteUnknown) }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }
}
