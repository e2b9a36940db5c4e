import Core
import Foundation
import TestSupport
import Testing

/// What the program says to wrong flags and files: one line, status 64, the word that helps.
@Suite struct UsageTests {
  private static let program = RunProcess.product("fst")

  static let mistakes: [(arguments: [String], words: [String])] = [
    (["attack"], ["<attack>"]),
    (["attack", "badnets"], ["badnets", "'badnet'"]),
    (["attac"], ["attac"]),
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
    (["bench", "fly"], ["fly"]),
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
    ["tune", "--attack", "badnet", "--ft_mode", "magic"],
  ])
  func underMpirunOneRankSpeaksForAll(arguments: [String]) throws {
    let output = try RunProcess.mpirun(2, Self.program, arguments)
    #expect(output.exitCode == 64)
    #expect(output.errorLines.filter { $0.hasPrefix("fst: ") }.count == 1)
    #expect(output.standardOutput.isEmpty)
  }
}
