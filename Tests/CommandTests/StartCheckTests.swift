import Foundation
import TestSupport
import Testing

/// Ranks that do not run the same thing are refused before anything is written, and the odd one is
/// named; serialized, since each test takes all cores.
@Suite(.serialized) struct StartCheckTests {
  private let program = TinyDataset.program

  /// Runs one rank with each of two command lines.
  private func run(_ first: [String], _ second: [String]) throws -> ProcessOutput {
    try RunProcess.run(
      "/usr/bin/env", RunProcess.mpirunCommand(1) + first + [":", "-np", "1"] + second,
      timeout: 60)
  }

  private func expectRefusal(
    _ output: ProcessOutput, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(!output.timedOut && output.exitCode != 0, sourceLocation: sourceLocation)
    let said = output.errorLines.filter { $0.hasPrefix("fst: ") }
    #expect(said.count == 1, "\(output.standardError)", sourceLocation: sourceLocation)
    let line = said.first ?? ""
    #expect(line.hasPrefix("fst: rank 1 ("), "\(said)", sourceLocation: sourceLocation)
    for word in words {
      #expect(line.contains(word), "\(said)", sourceLocation: sourceLocation)
    }
  }

  /// A run of attack, and with its archive the same of tune and evaluate.
  private func commands(_ tiny: TinyDataset) throws -> [[String]] {
    let attack = ["attack", "badnet", "--epochs", "1"] + tiny.flags
    let first = try RunProcess.run(program, attack)
    #expect(first.exitCode == 0, "\(first.standardError)")
    return [
      ["attack", "badnet", "--epochs", "1", "--save_folder_name", "second"] + tiny.flags,
      ["tune", "--attack", "badnet", "--epochs", "1", "--split_ratio", "0.5"] + tiny.flags,
      [
        "evaluate", "\(tiny.runFolder)/attack_result.pt", "--dataset", "image_folder",
        "--dataset_path", "\(tiny.folder)/data", "--batch_size", "10", "--threads", "1",
      ],
    ]
  }

  @Test func anotherConfigurationIsRefusedAndTheKeyNamed() throws {
    let tiny = try TinyDataset()
    for command in try commands(tiny) {
      let other = command.map { $0 == "10" ? "8" : $0 }
      expectRefusal(
        try run([program] + command, [program] + other), "configuration",
        "batch_size is 8 there, 10 on rank 0")
    }
    #expect(!FileManager.default.fileExists(atPath: "\(tiny.record)/second"))
  }

  @Test func otherDataAreRefused() throws {
    let tiny = try TinyDataset()
    let commands = try commands(tiny)
    let copy = "\(tiny.folder)/other"
    try FileManager.default.copyItem(atPath: "\(tiny.folder)/data", toPath: copy)
    for split in ["train", "test"] {
      for index in 0..<8 {
        let url = URL(fileURLWithPath: "\(copy)/\(split)/dark/\(index).ppm")
        var image = try Data(contentsOf: url)
        image[image.count - 1] ^= 1
        try image.write(to: url)
      }
    }
    for command in commands {
      let other = command.map { $0 == "\(tiny.folder)/data" ? copy : $0 }
      expectRefusal(try run([program] + command, [program] + other), "images")
    }
    #expect(!FileManager.default.fileExists(atPath: "\(tiny.record)/second"))
  }

  @Test func anotherBuildIsRefused() throws {
    let tiny = try TinyDataset()
    let commands = try commands(tiny)
    let other = "\(tiny.folder)/fst"
    try FileManager.default.copyItem(atPath: program, toPath: other)
    let file = try #require(FileHandle(forWritingAtPath: other))
    try file.seekToEnd()
    try file.write(contentsOf: Data("another build".utf8))
    try file.close()
    for command in commands {
      expectRefusal(try run([program] + command, [other] + command), "build", "program file")
    }
  }

  @Test func anotherCommandIsRefused() throws {
    let commands = try commands(try TinyDataset())
    expectRefusal(
      try run([program] + commands[0], [program] + commands[1]), "command is tune there")
  }
}
