import Core
import Foundation

extension Report {
  /// Prints a benchmark's figures.
  static func benchmark(
    _ report: StepBenchmark.Report, of benchmark: StepBenchmark, json: Bool
  ) throws {
    if json { return try printJSON(BenchmarkReport(report, of: benchmark)) }
    let (subject, threads) = (benchmark.kind.rawValue, benchmark.threads)
    print("\(subject)  wall       \(line(report.seconds))")
    print("\(subject)  processor  \(line(report.cpuSeconds))")
    print(
      "images/s   \(String(format: "%.1f", report.imagesPerSecond)) on \(threads) threads, \(benchmark.precision.resolved.name)"
    )
    print("peak memory  \(report.peakResidentBytes / 1_048_576) MiB")
    guard let communication = report.communication else { return }
    print("step alone       \(line(communication.stepAlone)), without communication")
    print("sum alone        \(line(communication.alone))")
    print("sum not hidden   \(line(communication.exposed))")
    print(
      String(
        format: "hidden share     %.3f; throughput against a rank alone %.3f",
        communication.hiddenShare, communication.efficiency))
  }

  /// Prints an all-reduce's figures.
  static func allReduce(_ report: AllReduceBenchmark.Report, json: Bool) throws {
    if json { return try printJSON(AllReduceReport(report)) }
    print("allreduce  \(line(report.seconds)) on \(report.ranks) ranks")
    let form =
      report.compressedBytes == report.bytes
      ? ""
      : String(format: ", as %.2f MB of ", Double(report.compressedBytes) * 1e-6)
        + report.compression.rawValue
    print(
      String(
        format: "%.1f MB in %d buckets%@; %.3f GB/s over each rank's link",
        Double(report.bytes) * 1e-6, report.buckets, form, report.busBytesPerSecond * 1e-9))
  }

  private static func line(_ spread: StepBenchmark.Spread) -> String {
    let values = [spread.median, spread.min, spread.max].map { String(format: "%.4f", $0) }
    return "\(values[0]) s (\(values[1]) to \(values[2]))"
  }
}

/// An all-reduce's figures as JSON.
private struct AllReduceReport: Encodable {
  enum CodingKeys: String, CodingKey {
    case bytes, buckets, compress, ranks, seconds
    case compressedBytes = "compressed_bytes"
    case busGigabytes = "bus_gb_per_second"
  }

  let bytes, compressedBytes, buckets, ranks: Int
  let compress: String
  let seconds: SpreadReport
  let busGigabytes: Double

  init(_ report: AllReduceBenchmark.Report) {
    (bytes, compressedBytes) = (report.bytes, report.compressedBytes)
    (buckets, ranks) = (report.buckets, report.ranks)
    compress = report.compression.rawValue
    seconds = SpreadReport(report.seconds)
    busGigabytes = report.busBytesPerSecond * 1e-9
  }
}

/// What the sum over ranks costs in a step, as JSON.
private struct CommunicationReport: Encodable {
  enum CodingKeys: String, CodingKey {
    case stepAlone = "seconds_per_step_alone"
    case alone = "allreduce_seconds"
    case exposed = "exposed_seconds"
    case hiddenShare = "hidden_share"
    case efficiency, buckets
  }

  let stepAlone, alone, exposed: SpreadReport
  let hiddenShare, efficiency: Double
  /// Bytes, and seconds until they could be summed.
  let buckets: [[Double]]

  init(_ communication: StepBenchmark.Communication) {
    stepAlone = SpreadReport(communication.stepAlone)
    alone = SpreadReport(communication.alone)
    exposed = SpreadReport(communication.exposed)
    (hiddenShare, efficiency) = (communication.hiddenShare, communication.efficiency)
    buckets = communication.buckets.map { [Double($0.bytes), $0.ready] }
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
    case what, model, width, loss, threads, precision, ranks, compress, communication
    case batchSize = "batch_size"
  }

  let what, model, precision, compress: String
  let width, batchSize, threads, ranks: Int
  let imagesPerSecond: Double
  let secondsPerStep: SpreadReport
  let cpuSecondsPerStep: SpreadReport
  let peakBytes: Int
  let loss: Double
  let communication: CommunicationReport?

  init(_ report: StepBenchmark.Report, of benchmark: StepBenchmark) {
    (what, model) = (benchmark.kind.rawValue, benchmark.model.rawValue)
    (width, batchSize) = (benchmark.width, benchmark.batchSize)
    (threads, precision) = (benchmark.threads, benchmark.precision.resolved.name)
    (ranks, compress) = (benchmark.communicator.worldSize, benchmark.compression.rawValue)
    imagesPerSecond = report.imagesPerSecond
    secondsPerStep = SpreadReport(report.seconds)
    cpuSecondsPerStep = SpreadReport(report.cpuSeconds)
    peakBytes = report.peakResidentBytes
    loss = report.loss
    communication = report.communication.map(CommunicationReport.init)
  }
}
