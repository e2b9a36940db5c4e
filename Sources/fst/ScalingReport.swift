import Core
import Foundation

/// How passes spread over threads, as a table or as JSON.
struct ScalingReport: Encodable {
  /// One number of threads; seconds of a pass.
  struct Row: Encodable {
    enum CodingKeys: String, CodingKey {
      case pass, threads, regions, speedup
      case wall = "seconds_per_pass"
      case path = "path_seconds"
      case serial = "serial_seconds"
      case total = "region_seconds"
      case unevenness = "waiting_share"
    }

    let pass: String
    let threads, regions: Int
    let wall: SpreadReport
    let path, serial, total, unevenness, speedup: Double
  }

  let rows: [Row]
  let precision: String

  /// The figures of `rows`.
  init(_ rows: [ScalingBenchmark.Row], precision: PrecisionChoice) {
    self.precision = precision.resolved.name
    self.rows = rows.map {
      Row(
        pass: $0.kind.rawValue, threads: $0.threads, regions: $0.profile.regions,
        wall: SpreadReport($0.seconds), path: $0.profile.path, serial: $0.profile.serial,
        total: $0.profile.total, unevenness: $0.profile.unevenness(threads: $0.threads),
        speedup: $0.speedup)
    }
  }

  /// Prints a line for each number of threads.
  func print(json: Bool) throws {
    if json { return try Report.printJSON(self) }
    StandardOutput.line(
      "pass      threads  wall here   on own cores  times as fast  serial  waiting")
    for row in rows {
      let words = [
        row.pass.padding(toLength: 8, withPad: " ", startingAt: 0),
        String(format: "%8d", row.threads),
        String(format: "%9.4f s", row.wall.median),
        String(format: "%11.4f s", row.path),
        String(format: "%13.2f", row.speedup),
        String(format: "%6.1f%%", 100 * row.serial / row.path),
        String(format: "%7.1f%%", 100 * row.unevenness),
      ]
      StandardOutput.line(words.joined(separator: " "))
    }
  }
}
