import Core
import Foundation
import TestSupport
import Testing

/// What the program says to wrong flags and files: one line, status 64, the word that helps.
@Suite struct UsageTests {
  private static let program = RunProcess.product("fst")

  static let mistakes: [(arguments: [String], words: [String])] = [
    (["attack"], ["<attack>"]),
    (["attack", "badnets"], ["'badnets'", "did you mean 'badnet'?"]),
    (["attac"], ["'attac'", "'attack'?"]),
    (["purify"], ["unknown command 'purify'", "tune, defend", "did you mean 'tune'?"]),
    (["defence"], ["unknown command 'defence'", "did you mean 'defend'?"]),
    (["defend", "clq"], ["expected one of", "clp", "found 'clq'"]),
    (["help", "purify"], ["unknown command 'purify'"]),
    (["eval", "x.pt"], ["unknown command 'eval'", "did you mean 'evaluate'?"]),
    (["qwerty"], ["unknown command 'qwerty'", "doctor"]),
    (["attack", "badnet", "--epochs", "-1"], ["--epochs: expected a whole number", "found -1"]),
    (["attack", "badnet", "--lr", "-0.1"], ["--lr: expected a number", "found -0.1"]),
    (["attack", "badnet", "--lr", "-inf"], ["--lr: expected a number", "found -inf"]),
    (["attack", "badnet", "--seed", "-1"], ["--random_seed", "found -1"]),
    (["attack", "badnet", "--steplr_milestones", "5", "-7"], ["--steplr_milestones", "[5, -7]"]),
    (["attack", "badnet", "--yaml_path", "-1"], ["-1: no such YAML file"]),
    (["attack", "badnet", "-pm", "-1", "--wd", "-1"], ["--wd", "found -1"]),
    (["doctor", "--threads", "-1"], ["--threads", "found -1"]),
    (["sweep", "plan.yaml", "--of", "-1"], ["--of", "found -1"]),
    (["attack", "badnet", "--batch-sise", "3"], ["--batch-sise", "mean '--batch_size'?"]),
    (["attack", "badnet", "--pmm", "3"], ["Unknown option '--pmm'"]),
    (["attack", "badnet", "--resume", "perhaps"], ["--resume", "auto", "found 'perhaps'"]),
    (["attack", "badnet", "--lb_smooth", "much"], ["--lb_smooth", "found 'much'"]),
    (["attack", "badnet", "--dataset", "nope"], ["--dataset", "synthetic", "found 'nope'"]),
    (["tune", "--attack", "sig", "--dataset", "nope"], ["--dataset", "found 'nope'"]),
    (["evaluate", "a/x.pt", "--dataset", "nope"], ["--dataset", "found 'nope'"]),
    (["attack", "badnet", "--attack_target", "10"], ["--attack_target", "0 to 9", "found 10"]),
    (
      ["attack", "sig", "--attack_label_trans", "all2all"],
      ["--attack_label_trans", "all2one", "clean-label"]
    ),
    (
      ["tune", "--attack", "sig", "--ratio", "0.1", "--split_ratio", "0.1"],
      ["--ratio", "split_ratio", "both"]
    ),
    (["attack", "badnet", "--batch_sise", "3"], ["--batch_sise", "--batch_size"]),
    (["attack", "badnet", "--batch_size", "0"], ["--batch_size", "found 0"]),
    (["attack", "badnet", "--batch_size", "many"], ["--batch_size", "many"]),
    (["attack", "badnet", "--epochs"], ["--epochs"]),
    (["attack", "badnet", "--pratio", "1.5"], ["--pratio", "found 1.5"]),
    (["attack", "badnet", "--pratio", "nan"], ["--pratio", "found nan"]),
    (["attack", "badnet", "--attack_target", "-1"], ["--attack_target", "found -1"]),
    (["attack", "badnet", "--model", "vgg19"], ["--model", "resnet18"]),
    (["attack", "badnet", "--client_optimizer", "adam"], ["--client_optimizer", "sgd"]),
    (["attack", "badnet", "--pre"], ["--pre"]),
    (["attack", "badnet", "--compress", "fp8"], ["--compress", "fp8"]),
    (["attack", "badnet", "--compress", "fp16", "--sync_bn"], ["--compress", "sync_bn", "fp16"]),
    (
      ["attack", "badnet", "--compress", "powersgd", "--sync_bn"],
      ["--compress", "sync_bn", "powersgd"]
    ),
    (["attack", "badnet", "--powersgd_rank", "0"], ["--powersgd_rank", "1 to 32", "found 0"]),
    (["bench", "allreduce", "--powersgd_rank", "0"], ["--powersgd_rank", "found 0"]),
    (["attack", "badnet", "--yaml_path", "/nowhere/none.yaml"], ["none.yaml"]),
    (["attack", "badnet", "--bd_yaml_path", "/nowhere/none.yaml"], ["none.yaml"]),
    (["tune"], ["--attack"]),
    (["tune", "--attack", "badnet", "--ft_mode", "magic"], ["--ft_mode", "fe-tuning"]),
    (
      ["tune", "--attack", "badnet", "--compress", "fp16", "--sync_bn"],
      ["--compress", "sync_bn", "fp16"]
    ),
    (["tune", "--attack", "badnet", "--split_ratio", "0"], ["--split_ratio", "found 0"]),
    (["evaluate"], ["<archive>"]),
    (["evaluate", "x.pt", "--batch_size", "0"], ["--batch_size"]),
    (["evaluate", "x.pt", "--random_seed", "1"], ["--random_seed"]),
    (["inspect"], ["<file>"]),
    (["sweep"], ["<plan>"]),
    (["sweep", "/nowhere/none.yaml"], ["none.yaml"]),
    (["sweep", "/nowhere/none.yaml", "--dry_run"], ["none.yaml"]),
    (["sweep", "plan.yaml", "--index", "2", "--of", "2"], ["--index", "found 2"]),
    (["sweep", "plan.yaml", "--of", "0"], ["--of", "found 0"]),
    (["bench"], ["<what>"]),
    (["bench", "fly"], ["fly", "allreduce", "tsne"]),
    (["bench", "step", "--width", "0"], ["--width", "found 0"]),
    (["bench", "step", "--threads", "0"], ["--threads", "found 0"]),
  ]

  @Test(arguments: mistakes.indices) func aMistakeIsOneHelpfulLine(index: Int) throws {
    let (arguments, words) = Self.mistakes[index]
    let output = try RunProcess.run(Self.program, arguments)
    #expect(output.exitCode == 64)
    #expect(output.standardOutput.isEmpty)
    #expect(output.errorLines.count == 1)
    #expect(output.standardError.hasPrefix("fst: "))
    for word in words { #expect(output.standardError.contains(word), "\(output.standardError)") }
  }

  @Test func aHintIsOnlyANearSpelling() throws {
    for flag in ["--ratio", "--yaml", "--checkpoint_load"] {
      let output = try RunProcess.run(Self.program, ["attack", "badnet", flag, "3"])
      #expect(output.standardError == "fst: Unknown option '\(flag)'\n")
      #expect(output.exitCode == 64)
    }
  }

  @Test func anUnknownYAMLKeyIsNamedWithItsFileLineAndNearestKey() throws {
    let yaml = FileManager.default.temporaryDirectory
      .appendingPathComponent("bad-\(UUID().uuidString).yaml")
    try Data("dataset: cifar10\nbatch_sise: 50\n".utf8).write(to: yaml)
    defer { try? FileManager.default.removeItem(at: yaml) }
    let output = try RunProcess.run(
      Self.program, ["attack", "badnet", "--yaml_path", yaml.path])
    #expect(output.exitCode == 64)
    #expect(
      output.standardError
        == "fst: \(yaml.path):2: unknown key 'batch_sise'; did you mean 'batch_size'?\n")
  }

  @Test(arguments: [
    ["attack", "badnet", "--lr"], ["attack", "badnet", "--yaml_path", "/nowhere/none.yaml"],
    ["tune", "--attack", "badnet", "--ft_mode", "magic"], ["defend"],
    ["attack", "badnet", "--attack_target", "10"],
  ])
  func underMpirunOneRankSpeaksForAll(arguments: [String]) throws {
    let output = try RunProcess.mpirun(2, Self.program, arguments)
    #expect(output.exitCode == 64)
    #expect(output.errorLines.filter { $0.hasPrefix("fst: ") }.count == 1)
    #expect(output.standardOutput.isEmpty)
  }
}
