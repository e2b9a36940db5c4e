import Core
import Foundation

/// What `fst bench kernels` says: a table of layers and one of products, or one JSON object.
struct KernelReport {
  private let layers: [KernelBenchmark.LayerReport]
  private let products: [ProductBenchmark.Report]
  private let width, batchSize, threads: Int
  private let precision: ProductPrecision
  /// Floating-point operations per second of one core, measured.
  private let peak: Double

  /// A report of what was measured; the cores' peak is measured now.
  init(
    layers: [KernelBenchmark.LayerReport], products: [ProductBenchmark.Report], width: Int,
    batchSize: Int, threads: Int, precision: PrecisionChoice
  ) {
    self.layers = layers
    self.products = products
    self.width = width
    self.batchSize = batchSize
    self.threads = threads
    self.precision = precision.resolved
    peak = PackedGEMM.measuredPeak(seconds: StepBenchmark.processorSeconds)
  }

  func print(json: Bool) throws {
    if json { return try Report.printJSON(document) }
    let (document, all) = (document, document.layers.flatMap(\.directions))
    StandardOutput.line(
      "micro-kernel \(document.variant), peak \(Self.number(document.peak, 1)) GFLOP/s a core, "
        + "\(threads) threads, width \(width), batch \(batchSize), \(document.precision)\n")
    Self.row(
      "layer", "kernel", "what", ["wall ms", "cpu ms", "images/s", "direct", "done", "of peak"])
    for layer in document.layers {
      for entry in layer.directions {
        Self.row(
          layer.name, layer.kernel, entry.direction,
          [
            Self.number(entry.seconds.median * 1e3, 2), Self.number(entry.cpu.median * 1e3, 2),
            Self.number(entry.imagesPerSecond, 0), Self.number(entry.directRate, 1),
            Self.number(entry.doneRate, 1), Self.number(entry.share * 100, 0) + " %",
          ])
      }
    }
    let largest = all.map(\.error).max() ?? 0
    StandardOutput.line(
      "\nlargest error \(largest) (relative L2 from patch matrices)\n"
        + "all convolutions of a step  \(Self.number(document.stepSeconds, 4)) s\n")
    printProducts()
    StandardOutput.line("\npeak memory  \(document.peakBytes / 1_048_576) MiB")
  }

  private func printProducts() {
    for report in products {
      let variants = report.variants.map { "\($0.variant.rawValue) \(giga($0.rate.median))" }
      let name = report.product.name.padding(toLength: 16, withPad: " ", startingAt: 0)
      StandardOutput.line(
        "\(name)  \(variants.joined(separator: "   "))   OpenBLAS \(giga(report.openBLAS.median))")
    }
  }

  private func giga(_ rate: Double) -> String { Self.number(rate / 1e9, 1) }

  private static func number(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }

  private static func row(_ layer: String, _ kernel: String, _ what: String, _ cells: [String]) {
    let labels = [(layer, 18), (kernel, 9), (what, 16)]
      .map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
    let numbers = cells.map { String(repeating: " ", count: max(9 - $0.count, 1)) + $0 }
    StandardOutput.line(labels.joined() + numbers.joined())
  }
}

extension KernelReport {
  /// The figures as JSON: rates in GFLOP/s, times in seconds.
  fileprivate struct Document: Encodable {
    struct Direction: Encodable {
      enum CodingKeys: String, CodingKey {
        case direction, seconds, error
        case cpu = "cpu_seconds"
        case imagesPerSecond = "images_per_second"
        case directRate = "direct_gflops"
        case doneRate = "product_gflops"
        case share = "share_of_peak"
      }
      let direction: String
      let seconds, cpu: SpreadReport
      let imagesPerSecond, directRate, doneRate, share, error: Double
    }

    struct Layer: Encodable {
      let name, kernel: String
      let count: Int
      let directions: [Direction]
    }

    struct Product: Encodable {
      enum CodingKeys: String, CodingKey {
        case name
        case variants = "gflops"
        case openBLAS = "openblas_gflops"
      }
      let name: String
      let variants: [String: SpreadReport]
      let openBLAS: SpreadReport
    }

    enum CodingKeys: String, CodingKey {
      case width, threads, variant, precision, layers, products
      case batchSize = "batch_size"
      case peak = "peak_gflops_per_core"
      case stepSeconds = "convolution_seconds_per_step"
      case peakBytes = "peak_rss_bytes"
    }
    let width, batchSize, threads: Int
    let variant, precision: String
    let peak: Double
    let layers: [Layer]
    let products: [Product]
    let stepSeconds: Double
    let peakBytes: Int
  }

  fileprivate var document: Document {
    let layers = layers.map { report in
      Document.Layer(
        name: report.layer.name, kernel: report.kernel, count: report.layer.count,
        directions: report.measurements.map { direction($0, of: report) })
    }
    return Document(
      width: width, batchSize: batchSize, threads: threads,
      variant: PackedGEMM.Variant.best.rawValue, precision: precision.name, peak: peak / 1e9,
      layers: layers,
      products: products.map { report in
        Document.Product(
          name: report.product.name,
          variants: Dictionary(
            uniqueKeysWithValues: report.variants.map {
              ($0.variant.rawValue, Self.giga($0.rate))
            }), openBLAS: Self.giga(report.openBLAS))
      },
      stepSeconds: layers.reduce(0) { sum, layer in
        sum + Double(layer.count) * layer.directions.reduce(0) { $0 + $1.seconds.median }
      }, peakBytes: StepBenchmark.peakResidentBytes())
  }

  private func direction(
    _ measured: KernelBenchmark.Measurement, of report: KernelBenchmark.LayerReport
  ) -> Document.Direction {
    let seconds = measured.seconds.median
    let done = report.productOperations / seconds
    return Document.Direction(
      direction: measured.direction.rawValue, seconds: SpreadReport(measured.seconds),
      cpu: SpreadReport(measured.cpuSeconds), imagesPerSecond: Double(batchSize) / seconds,
      directRate: report.directOperations / seconds / 1e9, doneRate: done / 1e9,
      share: done / (peak * Double(threads)), error: measured.error)
  }

  private static func giga(_ rate: StepBenchmark.Spread) -> SpreadReport {
    var rate = rate
    (rate.min, rate.median, rate.max) = (rate.min / 1e9, rate.median / 1e9, rate.max / 1e9)
    return SpreadReport(rate)
  }
}
