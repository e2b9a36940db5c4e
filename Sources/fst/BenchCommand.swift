import ArgumentParser
import Core

/// `fst bench`: how fast the engine is on this machine.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time training steps, evaluation passes or kernels on this machine.",
    discussion: """
      Runs ResNet18 on random 32x32 images, two passes to warm up, then the
      timed ones. Wall and processor time of a pass, images per second at the
      median, the process's peak memory, and the loss of the last pass.

      kernels times every convolution of the network by itself: output,
      weight gradient, and what the input gradient takes on top; and the
      matrix products within, against OpenBLAS. Each result is checked
      first, a wrong one ends the run. GFLOP/s are those that a direct
      convolution would need (direct) and those of the products really
      computed (done), also as a share of the multiply-adds that the cores
      were measured to do.

        fst bench step --width 64 --batch_size 128
        fst bench evaluate --threads 1 --json
        fst bench kernels --width 64 --steps 5

      bench/compare_pytorch.py runs it in turn with PyTorch's step.
      """)

  /// What is timed.
  enum Subject: String, ExpressibleByArgument {
    case step, evaluate, kernels
  }

  @Argument(help: ArgumentHelp("What is timed: step, evaluate or kernels.", valueName: "what"))
  var subject: Subject

  @Option(name: .key("model"), help: "The architecture.")
  var model = ModelArchitecture.resnet18

  @Option(
    name: .key("width"), help: ArgumentHelp("Planes of the first stage.", valueName: "planes"))
  var width = 64

  @Option(name: .key("batch_size"), help: ArgumentHelp("Images in a pass.", valueName: "images"))
  var batchSize = 128

  @Option(
    name: .key("threads"),
    help: ArgumentHelp("Threads (default: this process's share of the cores).", valueName: "n"))
  var threads: Int?

  @Option(name: .key("steps"), help: ArgumentHelp("Timed passes.", valueName: "n"))
  var steps = 10

  @Flag(name: .key("json"), help: "The result as one JSON object in the last line.")
  var json = false

  func validate() throws {
    for (key, value, largest) in [
      ("width", width, 4096), ("batch_size", batchSize, 65_536), ("steps", steps, 1_000_000),
      ("threads", threads ?? 1, 1024),
    ] where !(1...largest).contains(value) {
      throw ValidationError("--\(key): expected 1 to \(largest), found \(value)")
    }
  }

  func run() throws {
    if Ending.launchedRank > 0 { return }
    let threads = ThreadCount.resolve(requested: threads)
    try ModelTooLarge.check(width: width, classCount: 10)
    guard let kind = StepBenchmark.Kind(rawValue: subject.rawValue) else {
      let layers = try KernelBenchmark(
        width: width, batchSize: batchSize, threads: threads, steps: steps
      ).run()
      return try KernelReport(
        layers: layers, products: ProductBenchmark(steps: steps).run(), width: width,
        batchSize: batchSize, threads: threads
      ).print(json: json)
    }
    let report = try StepBenchmark(
      kind: kind, model: model, width: width, batchSize: batchSize, threads: threads, steps: steps
    ).run()
    try Report.benchmark(report, kind: kind, threads: threads, json: json)
  }
}

extension Report {
  /// Prints a benchmark's figures.
  static func benchmark(
    _ report: StepBenchmark.Report, kind: StepBenchmark.Kind, threads: Int, json: Bool
  ) throws {
    if json { return try printJSON(BenchmarkReport(report, threads: threads)) }
    func line(_ spread: StepBenchmark.Spread) -> String {
      let values = [spread.median, spread.min, spread.max].map { String(format: "%.4f", $0) }
      return "\(values[0]) s (\(values[1]) to \(values[2]))"
    }
    print("\(kind.rawValue)  wall       \(line(report.seconds))")
    print("\(kind.rawValue)  processor  \(line(report.cpuSeconds))")
    print("images/s   \(String(format: "%.1f", report.imagesPerSecond)) on \(threads) threads")
    print("peak memory  \(report.peakResidentBytes / 1_048_576) MiB")
  }
}

/// Smallest, middle and largest as JSON.
struct SpreadReport: Encodable {
  let min, median, max: Double

  init(_ spread: StepBenchmark.Spread) {
    (min, median, max) = (spread.min, spread.median, spread.max)
  }
}

/// A benchmark's figures as JSON.
private struct BenchmarkReport: Encodable {
  enum CodingKeys: String, CodingKey {
    case imagesPerSecond = "images_per_second"
    case secondsPerStep = "seconds_per_step"
    case cpuSecondsPerStep = "cpu_seconds_per_step"
    case peakBytes = "peak_rss_bytes"
    case loss, threads
  }

  let imagesPerSecond: Double
  let secondsPerStep: SpreadReport
  let cpuSecondsPerStep: SpreadReport
  let peakBytes: Int
  let loss: Double
  let threads: Int

  init(_ report: StepBenchmark.Report, threads: Int) {
    imagesPerSecond = report.imagesPerSecond
    secondsPerStep = SpreadReport(report.seconds)
    cpuSecondsPerStep = SpreadReport(report.cpuSeconds)
    peakBytes = report.peakResidentBytes
    loss = report.loss
    self.threads = threads
  }
}
