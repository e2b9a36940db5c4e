import TestSupport
import Testing

/// What README.md and docs/ tell people to type, tried on tiny data.
@Suite struct DocumentedCommandsTests {
  @Test func allOfThemEndWell() throws {
    let output = try RunProcess.script(
      "try_documents.py", ["--fst", TinyDataset.program], timeout: 900)
    #expect(output.exitCode == 0, "\(output.standardOutput)\(output.standardError)")
    #expect(output.outputLines.last?.hasSuffix(" commands, 0 failed") == true)
  }
}
