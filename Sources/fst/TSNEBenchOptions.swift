import ArgumentParser
import Core
import Foundation

/// What `fst bench tsne` embeds.
struct TSNEBenchOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Features to embed, [points, features] (default: generated ones).", valueName: "file.npy"))
  var file: String?

  @Option(name: .key("points"), help: ArgumentHelp("Generated points.", valueName: "n"))
  var points = 5000

  @Option(name: .key("features"), help: ArgumentHelp("Features of each.", valueName: "d"))
  var features = 512

  @Option(
    name: .key("perplexity"),
    help: ArgumentHelp("The effective number of neighbours.", valueName: "number"))
  var perplexity = 30.0

  @Option(
    name: .key("positions"),
    help: ArgumentHelp("Where to write the places, one 'x y' a line.", valueName: "file"))
  var positions: String?

  func validate() throws {
    for (key, value, largest) in [("points", points, 1_000_000), ("features", features, 65_536)]
    where !(1...largest).contains(value) {
      throw ValidationError("--\(key): expected 1 to \(largest), found \(value)")
    }
  }

  /// Embeds the features `runs` times and prints what that took.
  func run(threads: Int, runs: Int, json: Bool) throws {
    let features = try matrix()
    var settings = TSNE.Settings()
    settings.perplexity = perplexity
    let report = try TSNEBenchmark(tsne: TSNE(settings), threads: threads, runs: runs)
      .run(features)
    if let positions {
      let lines = (0..<features.rows).map { row in
        report.positions[row].map { "\($0)" }.joined(separator: " ") + "\n"
      }
      try AtomicFile.write(lines.joined(), to: positions)
    }
    let document = TSNEReport(report, features: features, threads: threads)
    if json { try Report.printJSON(document) } else { document.print() }
  }

  private func matrix() throws -> FeatureMatrix {
    guard let file else { return TSNEBenchmark.clusters(points: points, features: features) }
    guard let matrix = FeatureMatrix(try NumpyFile.read(file)) else {
      throw NumpyFileError(path: file, reason: "expected real numbers [points, features]")
    }
    return matrix
  }
}

/// An embedding's figures as JSON or as lines.
private struct TSNEReport: Encodable {
  enum CodingKeys: String, CodingKey {
    case points, features, threads, seconds, iterations, trustworthiness
    case cpuSeconds = "cpu_seconds"
    case divergence = "kl_divergence"
    case peakBytes = "peak_rss_bytes"
  }

  let points, features, threads, iterations: Int
  let seconds, cpuSeconds: SpreadReport
  let divergence: Double
  let trustworthiness: [String: Double]
  let peakBytes: Int

  init(_ report: TSNEBenchmark.Report, features matrix: FeatureMatrix, threads: Int) {
    (points, features, self.threads) = (matrix.rows, matrix.columns, threads)
    iterations = report.iterations
    (seconds, cpuSeconds) = (SpreadReport(report.seconds), SpreadReport(report.cpuSeconds))
    divergence = report.klDivergence
    trustworthiness = Dictionary(
      uniqueKeysWithValues: report.trustworthiness.map { ("\($0.neighbours)", $0.value) })
    peakBytes = StepBenchmark.peakResidentBytes()
  }

  func print() {
    func line(_ spread: SpreadReport) -> String {
      String(format: "%.3f s (%.3f to %.3f)", spread.median, spread.min, spread.max)
    }
    StandardOutput.line("tsne  \(points) points of \(features) features on \(threads) threads")
    StandardOutput.line("wall             \(line(seconds))")
    StandardOutput.line("processor        \(line(cpuSeconds))")
    StandardOutput.line(String(format: "KL divergence    %.4f, %d steps", divergence, iterations))
    for key in trustworthiness.keys.sorted(by: { $0.count < $1.count }) {
      StandardOutput.line(
        String(format: "trustworthiness  %.4f over \(key)", trustworthiness[key] ?? 0))
    }
    StandardOutput.line("peak memory      \(peakBytes / 1_048_576) MiB")
  }
}
