import Core
import Foundation
import TestSupport
import Testing

/// What a stranger finds out by asking.
@Suite struct HelpTests {
  private static let program = RunProcess.product("fst")

  @Test func withoutArgumentsTheProgramExplainsItself() throws {
    for arguments in [[], ["--help"], ["help"]] {
      let output = try RunProcess.run(Self.program, arguments)
      #expect(output.exitCode == 0)
      #expect(output.standardError.isEmpty)
      for command in [
        "attack", "tune", "evaluate", "tsne", "inspect", "trigger", "sweep", "bench", "doctor",
      ] {
        #expect(output.outputLines.contains { $0.hasPrefix("  \(command) ") })
      }
      for status in ["0", "1", "64", "75", "130"] {
        #expect(output.outputLines.contains { $0.hasPrefix("  \(status) ") })
      }
    }
  }

  @Test(arguments: [
    ("attack", AttackConfiguration.fields.map(\.key)),
    ("tune", TuneConfiguration.fields.map(\.key)),
    ("evaluate", EvaluateConfiguration.fields.map(\.key)),
    ("tsne", FeatureSheetConfiguration.fields.map(\.key)),
  ])
  func everyKeyIsAFlagInTheHelp(command: String, keys: [String]) throws {
    let output = try RunProcess.run(Self.program, [command, "--help"])
    #expect(output.exitCode == 0)
    let words = Set(
      output.standardOutput.split(whereSeparator: { $0.isWhitespace || $0 == "," }).map(String.init)
    )
    for key in keys where !words.contains("<\(key)>") {
      #expect(words.contains("--\(key)"), "--\(key) is not in the help")
    }
  }

  @Test func anAttacksOwnSettingsStandBelowItsName() throws {
    for command in ["attack", "trigger", "tune", "evaluate", "tsne"] {
      let lines = try RunProcess.run(Self.program, [command, "--help"]).outputLines
      let title = try #require(lines.firstIndex(of: "SIG:"), "\(command)")
      #expect(lines[title + 1].hasPrefix("  --sig_delta "))
      #expect(lines.filter { $0.hasPrefix("MACHINE AND OUTPUT") }.count == 1)
    }
  }

  @Test(arguments: [
    "attack", "tune", "evaluate", "tsne", "inspect", "trigger", "sweep", "bench", "doctor",
  ])
  func eachCommandSaysWhetherItRunsOnManyRanks(command: String) throws {
    let output = try RunProcess.run(Self.program, [command, "--help"])
    let text = output.standardOutput.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(text.contains("many ranks"))
    #expect(text.contains("alone"))
  }

  @Test func theVersionIsOneLine() throws {
    let output = try RunProcess.run(Self.program, ["--version"])
    #expect(output.exitCode == 0)
    #expect(output.outputLines.count == 1)
  }

  @Test func underMpirunTheHelpIsPrintedOnce() throws {
    let output = try RunProcess.mpirun(2, Self.program, ["attack", "--help"])
    #expect(output.exitCode == 0)
    #expect(output.outputLines.filter { $0.hasPrefix("OVERVIEW") }.count == 1)
  }
}
