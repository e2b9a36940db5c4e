import TestSupport
import Testing

/// `fst bench`: what it reports, and that it measures something.
@Suite struct BenchTests {
  private static let program = RunProcess.product("fst")
  private static let small = ["--width", "4", "--batch_size", "4", "--threads", "1"]

  @Test(arguments: ["step", "evaluate"]) func figuresBelongTogether(kind: String) throws {
    let output = try RunProcess.run(
      Self.program, ["bench", kind, "--steps", "3", "--json"] + Self.small)
    #expect(output.exitCode == 0, "\(output.standardError)")
    let report = try #require(output.lastJSON)
    for key in ["seconds_per_step", "cpu_seconds_per_step"] {
      let spread = try #require(report[key] as? [String: Double])
      let (low, middle, high) = (spread["min"] ?? 0, spread["median"] ?? 0, spread["max"] ?? 0)
      #expect(0 < low && low <= middle && middle <= high)
    }
    let median = (report["seconds_per_step"] as? [String: Double])?["median"] ?? 0
    let rate = try #require(report["images_per_second"] as? Double)
    #expect(abs(rate * median - 4) < 1e-6)
    #expect(report["threads"] as? Int == 1)
    #expect((report["loss"] as? Double ?? 0) > 0)
    #expect((report["peak_rss_bytes"] as? Int ?? 0) > 1 << 20)
  }

  @Test func stepsLearnAndEvaluationDoesNot() throws {
    func loss(_ kind: String, steps: Int) throws -> Double {
      let output = try RunProcess.run(
        Self.program, ["bench", kind, "--steps", "\(steps)", "--json"] + Self.small)
      return try #require(output.lastJSON?["loss"] as? Double)
    }
    #expect(try loss("step", steps: 30) < loss("step", steps: 1))
    #expect(try loss("evaluate", steps: 30) == loss("evaluate", steps: 1))
  }

  @Test func withoutJSONAFewLinesArePrinted() throws {
    let output = try RunProcess.run(Self.program, ["bench", "step", "--steps", "1"] + Self.small)
    #expect(output.exitCode == 0)
    #expect(output.outputLines.contains { $0.contains("images/s") })
  }

  @Test func compressedSumsAreRightUnderMpirun() throws {
    let output = try RunProcess.mpirun(
      2, Self.program,
      ["bench", "allreduce", "--width", "4", "--steps", "1", "--compress", "fp16", "--json"])
    #expect(output.exitCode == 0, "\(output.standardError)")
    #expect(output.lastJSON?["compress"] as? String == "fp16")
  }

  @Test func underMpirunOneRankAloneReports() throws {
    let output = try RunProcess.mpirun(
      2, Self.program, ["bench", "step", "--steps", "1", "--json"] + Self.small)
    #expect(output.exitCode == 0)
    #expect(output.outputLines.count == 1)
  }
}
