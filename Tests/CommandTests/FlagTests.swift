import Foundation
import TestSupport
import Testing

/// The ways in which a flag and its value can be written.
@Suite struct FlagTests {
  private static let program = RunProcess.product("fst")
  /// What a run without data ends with, all its flags being understood.
  private static let noData = ["--dataset_path", "/nowhere", "--record", "/nowhere/record"]

  private func errorLine(_ arguments: [String]) throws -> (status: Int32, line: String) {
    let output = try RunProcess.run(Self.program, arguments)
    #expect(
      output.errorLines.filter { $0.hasPrefix("fst: ") }.count == 1, "\(output.standardError)")
    return (output.exitCode, output.errorLines.last ?? "")
  }

  @Test(arguments: [
    ["--sync_bn", "badnet"], ["badnet", "--sync_bn"], ["badnet", "--sync_bn", "true"],
    ["badnet", "--sync_bn=true"], ["--sync_bn", "yes", "badnet"], ["--sync_bn", "--", "badnet"],
    ["--sync_bn", "false", "badnet", "--sync_bn"],
  ])
  func aTrueFlagIsTrueHoweverItIsWritten(words: [String]) throws {
    let (status, line) = try errorLine(["attack", "--compress", "fp16"] + words)
    #expect(status == 64)
    #expect(line.contains("--compress: expected 'none' together with sync_bn"), "\(line)")
  }

  @Test(arguments: [
    ["badnet", "--sync_bn", "false"], ["--sync_bn=off", "badnet"],
    ["--sync_bn", "badnet", "--sync_bn", "no"], ["badnet", "--resume", "--compress", "fp16"],
    ["badnet", "--resume", "auto"], ["--resume=false", "badnet"], ["--no_augment", "badnet"],
    ["badnet", "--augment", "false"], ["--seed", "3", "badnet", "--seed", "4"],
    ["badnet", "-pm", "true", "-nb", "true", "--git_hash", "abc", "--log", "--pre", "false"],
    ["badnet", "--steplr_milestones", "3", "5", "--lr=0.1", "--lb_smooth", "none"],
    ["--lr", "-1", "--lr", "0.1", "badnet"], ["badnet", "--prefetch_transform_attr_name", "x"],
  ])
  func aWellWrittenCommandComesAsFarAsItsData(words: [String]) throws {
    let (status, line) = try errorLine(["attack"] + words + ["--compress", "fp16"] + Self.noData)
    #expect(status == 1, "\(line)")
    #expect(line.contains("/nowhere"), "\(line)")
  }

  @Test(arguments: [
    (["--lr", "0.1", "--lr", "-1"], "--lr: expected a number of at least 0, found -1"),
    (["--sync_bn=perhaps"], "--sync_bn: expected true or false, found 'perhaps'"),
    (["--sync_bn", "perhaps"], "perhaps"), (["--lr", "--epochs", "3"], "'--lr"),
    (["--selected_layer_name", "conv1"], "--selected_layer_name: expected the head's"),
    (["--pre", "true"], "--pre: expected false"), (["--batch_siz", "3"], "'--batch_size'?"),
    (["--sync-bn"], "'--sync_bn'?"),
  ])
  func aMistakeNamesItsFlag(words: [String], said: String) throws {
    let (status, line) = try errorLine(["attack", "badnet"] + words + Self.noData)
    #expect(status == 64)
    #expect(line.contains(said), "\(line)")
  }
}
