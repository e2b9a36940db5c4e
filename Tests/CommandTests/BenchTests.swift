import Foundation
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

  @Test(arguments: [
    (["kernels", "--model", "vgg19_bn"], "--model: expected bench step, evaluate"),
    (
      ["kernels", "--compress", "fp16"], "--compress: expected bench step, allreduce, found kernels"
    ),
    (["allreduce", "--precision", "int16"], "--precision: expected bench step, evaluate"),
    (["allreduce", "--powersgd_start", "7"], "unexpected argument '7' after '--powersgd_start':"),
    (
      ["step", "--powersgd_rank", "5"], "--powersgd_rank: expected --compress powersgd, found none"
    ),
  ])
  func optionsThatSayNothingOfWhatIsTimedAreRefused(arguments: [String], words: String) throws {
    let output = try RunProcess.run(Self.program, ["bench"] + arguments + Self.small)
    #expect(output.exitCode == 64)
    #expect(output.errorLines.count == 1 && output.standardError.contains(words))
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

  /// The variable stands for a processor: one without 16-bit products, and ones with other
  /// instructions for them, which give the same bits.
  @Test func int16NeedsTheInstructionsAndHasTheSameBitsByAny() throws {
    func loss(_ variant: String, _ precision: String) throws -> (Double?, ProcessOutput) {
      let output = try RunProcess.run(
        Self.program,
        ["bench", "step", "--width", "16", "--batch_size", "2", "--threads", "1", "--steps", "2"]
          + ["--precision", precision, "--json"],
        environment: ["FST_INT16_VARIANT": variant])
      return (output.lastJSON?["loss"] as? Double, output)
    }
    let refused = try loss("none", "int16").1
    #expect(refused.exitCode == 1)
    #expect(
      refused.standardError
        == "fst: precision: expected auto or float32, since this processor has no AVX512-VNNI, "
        + "found 'int16'\n")
    let mistyped = try loss("VNNI", "auto").1
    #expect(mistyped.exitCode == 1)
    #expect(
      mistyped.standardError
        == "fst: FST_INT16_VARIANT: expected plain, avx2, vnni or none, found 'VNNI'\n")
    let float32 = try #require(try loss("none", "float32").0)
    #expect(try loss("none", "auto").0 == float32)
    let plain = try #require(try loss("plain", "int16").0)
    #expect(plain != float32)
    #expect(try loss("plain", "auto").0 == plain)
    let (wide, output) = try loss("avx2", "int16")
    #expect(wide == plain || output.standardError.contains("no AVX512-VNNI"))
    let (widest, other) = try loss("vnni", "int16")
    #expect(widest == plain || other.standardError.contains("no AVX512-VNNI"))
  }

  @Test(arguments: ["evaluate", "scan", "tsne", "report"])
  func int16IsRefusedByWhoeverAsksAModel(command: String) throws {
    let output = try RunProcess.run(
      Self.program,
      [command, "a model", "--precision", "int16"] + (command == "tsne" ? ["--out", "x.svg"] : []),
      environment: ["FST_INT16_VARIANT": "none"])
    #expect(output.exitCode == 1)
    #expect(output.standardError.hasPrefix("fst: precision: expected auto or float32, since this"))
  }

  @Test func theJSONSaysWhatWasTimed() throws {
    let output = try RunProcess.run(
      Self.program,
      ["bench", "evaluate", "--width", "3", "--batch_size", "5", "--threads", "1", "--steps", "1"]
        + ["--model", "resnet34", "--json"])
    let found = try #require(output.lastJSON)
    #expect(found["what"] as? String == "evaluate")
    #expect(found["model"] as? String == "resnet34")
    #expect(found["compress"] as? String == "none")
    let numbers = ["width", "batch_size", "threads", "ranks"].map { found[$0] as? Int }
    #expect(numbers == [3, 5, 1, 1])
  }

  @Test func withoutJSONAFewLinesArePrinted() throws {
    let output = try RunProcess.run(Self.program, ["bench", "step", "--steps", "1"] + Self.small)
    #expect(output.exitCode == 0)
    #expect(output.outputLines.contains { $0.contains("images/s") })
  }

  @Test func scalingTellsWhatEachNumberOfThreadsWouldTake() throws {
    let output = try RunProcess.run(
      Self.program,
      ["bench", "scaling", "--width", "4", "--batch_size", "6", "--threads", "3", "--steps", "3"]
        + ["--json"])
    #expect(output.exitCode == 0, "\(output.standardError)")
    let rows = try #require(output.lastJSON?["rows"] as? [[String: Any]])
    #expect(rows.map { $0["threads"] as? Int } == [1, 2, 3, 1, 2, 3])
    #expect(rows.map { $0["pass"] as? String }.prefix(4) == ["step", "step", "step", "evaluate"])
    for row in rows {
      func number(_ key: String) -> Double { (row[key] as? NSNumber)?.doubleValue ?? .nan }
      let path = number("path_seconds")
      #expect(number("serial_seconds") > 0 && number("serial_seconds") < path)
      #expect(number("regions") > 20)
      let shares = number("region_seconds") / number("threads")
      #expect(
        abs(number("waiting_share") - (1 - (number("serial_seconds") + shares) / path)) < 1e-9)
      #expect(number("waiting_share") < 1)
    }
    #expect(rows.map { ($0["speedup"] as? NSNumber)?.doubleValue == 1 }.filter { $0 }.count >= 2)
    let lines = try RunProcess.run(
      Self.program,
      ["bench", "scaling", "--width", "2", "--batch_size", "2", "--threads", "1", "--steps", "1"])
    #expect(lines.standardOutput.split(separator: "\n").count == 3)
  }

  @Test func embeddingsAreTimedAndJudged() throws {
    let output = try RunProcess.run(
      Self.program,
      ["bench", "tsne", "--points", "200", "--features", "16", "--threads", "2", "--steps", "2"]
        + ["--json"])
    #expect(output.exitCode == 0, "\(output.standardError)")
    let report = try #require(output.lastJSON)
    #expect(report["points"] as? Int == 200)
    #expect((report["kl_divergence"] as? Double ?? 0) > 0)
    let trust = try #require(report["trustworthiness"] as? [String: Double])
    // Ten clusters far from each other: neighbours must be found again.
    #expect((trust["5"] ?? 0) > 0.8 && (trust["12"] ?? 0) > 0.8)
    let seconds = try #require(report["seconds"] as? [String: Double])
    #expect((seconds["min"] ?? 0) > 0)
  }

  @Test(arguments: [
    (["tsne", "/nonexistent.npy"], 1, "/nonexistent.npy"), (["step", "x.npy"], 64, "x.npy"),
    (["tsne", "--points", "20", "--features", "4"], 1, "perplexity"),
  ])
  func whatCannotBeEmbeddedIsNamedOnce(
    arguments: [String], status: Int32, word: String
  ) throws {
    let output = try RunProcess.run(Self.program, ["bench"] + arguments)
    #expect(output.exitCode == status)
    #expect(output.errorLines.count == 1 && output.standardError.contains(word))
  }

  @Test(arguments: ["fp16", "bf16", "powersgd"])
  func compressedSumsAreRightUnderMpirun(form: String) throws {
    let output = try RunProcess.mpirun(
      2, Self.program,
      ["bench", "allreduce", "--width", "4", "--steps", "1", "--compress", form, "--json"])
    #expect(output.exitCode == 0, "\(output.standardError)")
    let report = try #require(output.lastJSON)
    #expect(report["compress"] as? String == form)
    let bytes = try #require(report["bytes"] as? Int)
    let compressed = try #require(report["compressed_bytes"] as? Int)
    #expect(form == "powersgd" ? compressed < bytes / 4 : compressed == bytes / 2)
  }

  @Test func underMpirunOneRankAloneReports() throws {
    let output = try RunProcess.mpirun(
      2, Self.program, ["bench", "step", "--steps", "1", "--json"] + Self.small)
    #expect(output.exitCode == 0)
    #expect(output.outputLines.count == 1)
  }

  /// Width 16: Winograd's kernels where they suit, patch matrices for stem and 1x1.
  @Test func kernelsAreCheckedAndTimedInEveryDirection() throws {
    let output = try RunProcess.run(
      Self.program,
      ["bench", "kernels", "--width", "16", "--batch_size", "4", "--threads", "2", "--steps", "2"]
        + ["--json"])
    #expect(output.exitCode == 0, "\(output.standardError)")
    let report = try #require(output.lastJSON)
    let layers = try #require(report["layers"] as? [[String: Any]])
    #expect(layers.count == 11)
    #expect(layers.compactMap { $0["count"] as? Int }.reduce(0, +) == 20)
    for layer in layers {
      let name = try #require(layer["name"] as? String)
      let suitsWinograd = name.hasPrefix("3x3") && !name.contains("-3-")
      #expect(layer["kernel"] as? String == (suitsWinograd ? "winograd" : "im2col"), "\(name)")
      let directions = try #require(layer["directions"] as? [[String: Any]])
      #expect(
        directions.compactMap { $0["direction"] as? String }
          == ["forward", "weight_gradient", "input_gradient"].dropLast(name.contains("-3-") ? 1 : 0)
      )
      for direction in directions {
        let error = try #require(direction["error"] as? Double)
        #expect(suitsWinograd ? error > 0 && error < 8e-6 : error == 0, "\(name)")
        #expect(direction["seconds"] is [String: Double])
      }
    }
    let products = try #require(report["products"] as? [[String: Any]])
    #expect(products.count == 8)
    for product in products {
      let baseline = (product["gflops"] as? [String: [String: Double]])?["baseline"]
      #expect((baseline?["median"] ?? 0) > 0)
      #expect(((product["openblas_gflops"] as? [String: Double])?["median"] ?? 0) > 0)
    }
    for key in ["peak_gflops_per_core", "convolution_seconds_per_step", "peak_rss_bytes"] {
      #expect((report[key] as? Double ?? 0) > 0, "\(key)")
    }
  }
}
