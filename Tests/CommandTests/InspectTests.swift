import Foundation
import TestSupport
import Testing

/// `fst inspect` on files that are there, broken or missing.
@Suite struct InspectTests {
  private static let program = RunProcess.product("fst")

  @Test func aMissingFileIsOneLineThatNamesIt() throws {
    let output = try RunProcess.run(Self.program, ["inspect", "/nowhere/none.pt", "--json"])
    #expect(output.exitCode == 1)
    #expect(output.errorLines.count == 1)
    #expect(output.standardError.hasPrefix("fst: "))
    #expect(output.standardError.contains("none.pt"))
    #expect(output.standardOutput.isEmpty)
  }

  @Test func aPipeIsRefusedAtOnce() throws {
    let pipe = FileManager.default.temporaryDirectory
      .appendingPathComponent("pipe-\(UUID().uuidString)").path
    mkfifo(pipe, 0o600)
    defer { unlink(pipe) }
    for command in [
      ["inspect", pipe], ["evaluate", pipe, "--dataset", "synthetic"], ["sweep", pipe],
      ["attack", "badnet", "--yaml_path", pipe],
    ] {
      let output = try RunProcess.run(Self.program, command)
      #expect(output.exitCode == 1 || output.exitCode == 64, "\(command)")
      #expect(output.errorLines.count == 1 && output.standardError.contains("a named pipe"))
    }
  }

  @Test func aFileOfOtherBytesIsRefusedInOneLine() throws {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("other-\(UUID().uuidString).pt")
    try Data("PK\u{3}\u{4} and no more".utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let output = try RunProcess.run(Self.program, ["inspect", file.path])
    #expect(output.exitCode == 1)
    #expect(output.errorLines.count == 1)
    #expect(output.standardError.hasPrefix("fst: "))
  }
}

/// `fst inspect` on archives that PyTorch wrote.
@Suite(.enabled(if: Fixtures.available(for: "GenuineInspectTests")))
struct GenuineInspectTests {
  private static let program = RunProcess.product("fst")

  @Test func anAttacksArchiveIsATreeOfItsEightParts() throws {
    let path = Fixtures.path("badnet_thin16/attack_result.pt")
    let tree = try RunProcess.run(Self.program, ["inspect", path])
    #expect(tree.exitCode == 0)
    #expect(tree.standardOutput.contains("conv1.weight: tensor float32 [16, 3, 3, 3]"))
    let json = try RunProcess.run(Self.program, ["inspect", path, "--json"])
    #expect(json.outputLines.count == 1)
    let children = json.lastJSON?["children"] as? [[String: Any]]
    #expect(
      children?.compactMap { $0["name"] as? String } == [
        "model_name", "num_classes", "model", "data_path", "img_size", "clean_data", "bd_train",
        "bd_test",
      ])
  }
}
