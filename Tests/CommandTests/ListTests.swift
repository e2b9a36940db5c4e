import Core
import TestSupport
import Testing

/// What there is, a line each.
@Suite struct ListTests {
  @Test(arguments: [
    (["attack", "--list"], AttackName.allCases.map(\.rawValue)),
    (["attack", "--list_datasets"], Datasets.all.map(\.name)),
    (["attack", "--list_models"], Networks.all.map(\.name)),
    (
      ["defend", "--list"],
      FineTuningMode.allCases.map(\.rawValue) + DefenceName.allCases.map(\.rawValue)
    ),
  ])
  func eachNameHasALineThatSaysWhatItIs(arguments: [String], names: [String]) throws {
    let output = try RunProcess.run(RunProcess.product("fst"), arguments)
    #expect(output.exitCode == 0)
    let lines = output.outputLines.map { $0.split(separator: " ") }
    #expect(lines.map { $0.first.map(String.init) } == names)
    for line in lines { #expect(line.count > 1, "\(line)") }
  }
}
