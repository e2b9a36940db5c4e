import Core
import Foundation
import TestSupport
import Testing

/// Standard output and standard error that are full, closed or read by nobody.
@Suite struct StandardStreamTests {
  /// Runs the program in a shell, `redirections` behind its arguments.
  private func shell(
    _ arguments: [String], _ redirections: String, before: String = ""
  ) throws -> ProcessOutput {
    let words = ([TinyDataset.program] + arguments).map { "'\($0)'" }.joined(separator: " ")
    return try RunProcess.run(
      "/bin/bash", ["-c", "\(before) \(words) \(redirections)"])
  }

  private func attack(_ tiny: TinyDataset) -> [String] {
    ["attack", "badnet", "--epochs", "2"] + tiny.flags
  }

  @Test(arguments: ["2>/dev/full", "2>&-", "2> >(true)", "2>/dev/full >&-"])
  func trainingGoesOnWithoutStandardError(redirections: String) throws {
    let tiny = try TinyDataset()
    let output = try shell(attack(tiny), redirections)
    #expect(output.exitCode == (redirections.contains(">&-") && redirections != "2>&-" ? 1 : 0))
    #expect(tiny.finishedEpochs == 2)
    #expect(!FileManager.default.fileExists(atPath: "\(tiny.runFolder)/.lock"))
    #expect(
      try AttackResult.read(path: "\(tiny.runFolder)/attack_result.pt").model.entries.count > 0)
  }

  @Test(arguments: [
    ["--help"], ["--version"], ["tune", "--help"], ["doctor"], ["doctor", "--json"],
  ])
  func aResultThatCannotBeWrittenIsAFailure(arguments: [String]) throws {
    for (redirection, reason) in [
      (">/dev/full", "No space left on device"), (">&-", "Bad file descriptor"),
    ] {
      let output = try shell(arguments, redirection)
      #expect(output.exitCode == 1)
      #expect(output.standardError == "fst: cannot write standard output: \(reason)\n")
    }
  }

  @Test func aRunsResultThatCannotBeWrittenIsAFailureAndTheRunIsKept() throws {
    let tiny = try TinyDataset()
    for json in [[], ["--json"]] {
      let output = try shell(attack(tiny) + json, ">/dev/full")
      #expect(output.exitCode == 1)
      #expect(
        output.errorLines.last == "fst: cannot write standard output: No space left on device")
      #expect(tiny.finishedEpochs == 2)
    }
    let archive = "\(tiny.runFolder)/attack_result.pt"
    for arguments in [
      ["inspect", archive], ["inspect", archive, "--json"], ["evaluate", archive],
    ] {
      let output = try shell(arguments, ">/dev/full")
      #expect(output.exitCode == 1)
      #expect(
        output.errorLines.last == "fst: cannot write standard output: No space left on device")
    }
  }

  @Test func aGoneReaderEndsTheProgramQuietly() throws {
    let output = try shell(
      ["--help"], "; } | true; echo ${PIPESTATUS[0]}", before: "{ sleep 1;")
    #expect(output.standardOutput == "1\n")
    #expect(output.standardError.isEmpty)
  }

  @Test(arguments: [4, 5, 8, 12]) func tooFewOpenFilesAreALine(limit: Int) throws {
    let output = try shell(["inspect", "/nowhere/x.pt"], "", before: "ulimit -n \(limit);")
    #expect(output.exitCode == 1)
    #expect(
      output.standardError
        == "fst: the limit of open files (ulimit -n): expected at least 16, found \(limit)\n")
  }

  @Test func nothingOfAFilesNameOrContentReachesTheTerminalRaw() throws {
    let tiny = try TinyDataset()
    let name = "a\u{1B}[31mb\u{202E}c\u{9B}d"
    let shown = "a\\u{1b}[31mb\\u{202e}c\\u{9b}d"
    let yaml = "\(tiny.folder)/\(name).yaml"
    try Data("\"k\\e[2Jy\": 1\n".utf8).write(to: URL(fileURLWithPath: yaml))
    let refused = try RunProcess.run(
      TinyDataset.program, ["attack", "badnet", "--yaml_path", yaml])
    #expect(
      refused.standardError == "fst: \(tiny.folder)/\(shown).yaml:1: unknown key 'k\\u{1b}[2Jy'\n")
    let record = "\(tiny.folder)/\(name)"
    let run = try RunProcess.run(
      TinyDataset.program, attack(tiny) + ["--record", record, "--threads", "1"])
    #expect(run.exitCode == 0)
    #expect(run.standardOutput.contains("folder  \(tiny.folder)/\(shown)/image_folder/badnet/"))
    let json = try RunProcess.run(
      TinyDataset.program, attack(tiny) + ["--record", record, "--json"])
    #expect((json.lastJSON?["folder"] as? String)?.hasPrefix(record) == true)
    for output in [refused, run, json] {
      let text = output.standardOutput + output.standardError
      #expect(!text.unicodeScalars.contains { "\u{1B}\u{202E}\u{9B}".unicodeScalars.contains($0) })
    }
  }
}
