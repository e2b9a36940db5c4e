import Core
import Foundation

/// The doctor's report as text or JSON.
enum DoctorTable {
  /// Prints the report as a plain table, problems last.
  static func print(_ report: Doctor.Report) {
    for line in lines(report) { StandardOutput.line(line) }
  }

  /// Prints the report as one JSON object in one line.
  static func printJSON(_ report: Doctor.Report) throws {
    struct Problem: Encodable {
      let kind, text: String
    }
    struct Output: Encodable {
      let version: String
      let report: Doctor.Report
      let problems: [Problem]

      enum CodingKeys: String, CodingKey { case version, problems }

      func encode(to encoder: any Encoder) throws {
        try report.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encode(problems, forKey: .problems)
      }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    let output = Output(
      version: FST.configuration.version, report: report,
      problems: report.problems.map { Problem(kind: kind($0), text: $0.text) })
    StandardOutput.json(String(decoding: try encoder.encode(output), as: UTF8.self))
  }

  static func lines(_ report: Doctor.Report) -> [String] {
    let first = report.ranks[0]
    var lines = [
      row("fst", "\(FST.configuration.version), build \(first.build)\(sameBuild(report))"),
      row(
        "MPI",
        first.mpi ?? "not started: no launcher\(first.unjoined == nil ? "" : " that it knows")"),
      row("OpenBLAS", "\(first.openBLAS), kernels for \(first.openBLASCore)"),
      row(
        "BLAS threads",
        "1 a call, set by the program (\(first.openBLASThreads) by OpenBLAS's own choice)"),
      "",
    ]
    let header = [
      "rank", "host", "cores", "usable", "threads", "free memory", "clock", "processor",
    ]
    lines += align([header] + report.ranks.map(cells))
    if report.ranks.count > 1 { lines += [""] + links(report) }
    if report.record != nil || report.datasetPath != nil { lines += [""] + folders(report) }
    let problems = report.problems
    lines.append("")
    lines += problems.isEmpty ? ["no problem found"] : problems.map { "\(kind($0)): \($0.text)" }
    return lines
  }

  private static func kind(_ problem: Doctor.Report.Problem) -> String {
    problem.isBroken ? "broken" : "warning"
  }

  private static func sameBuild(_ report: Doctor.Report) -> String {
    guard report.ranks.count > 1 else { return "" }
    let isSame = Set(report.ranks.map(\.build)).count == 1
    return isSame ? ", the same on all \(report.ranks.count) ranks" : ", not the same on all ranks"
  }

  private static func row(_ name: String, _ text: String) -> String {
    name.padding(toLength: 14, withPad: " ", startingAt: 0) + text
  }

  private static func cells(_ rank: RankFacts) -> [String] {
    func gibibytes(_ bytes: Int) -> String { String(format: "%.1f", Double(bytes) / 1_073_741_824) }
    let clock =
      rank.rank == 0
      ? "-"
      : String(format: "%+.1f ms", rank.clockAhead * 1e3)
        + String(format: " (+-%.1f)", rank.clockError * 1e3)
    return [
      "\(rank.rank)", rank.host, "\(rank.cores)", usable(rank), "\(rank.threads)",
      "\(gibibytes(rank.freeMemoryBytes)) of \(gibibytes(rank.memoryBytes)) GiB", clock,
      "\(rank.processor); \(rank.vectorUnits.joined(separator: ", "))",
    ]
  }

  /// The cores that a rank may use, and the quota where there is one.
  private static func usable(_ rank: RankFacts) -> String {
    ranges(rank.usableCores) + (rank.quota.map { String(format: " (quota %.4g)", $0) } ?? "")
  }

  /// Numbers in order as ranges: `0-3,8`.
  static func ranges(_ numbers: [Int]) -> String {
    var parts: [ClosedRange<Int>] = []
    for number in numbers {
      if let last = parts.last, last.upperBound + 1 == number {
        parts[parts.count - 1] = last.lowerBound...number
      } else {
        parts.append(number...number)
      }
    }
    return parts.map {
      $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
    }.joined(separator: ",")
  }

  private static func links(_ report: Doctor.Report) -> [String] {
    func name(_ rank: Int) -> String { "\(rank) (\(report.ranks[rank].host))" }
    var lines = align(
      [["ranks", "", "latency", "each way"]]
        + report.pairs.map { pair in
          [
            name(pair.first), name(pair.second),
            String(format: "%.1f us", pair.latencySeconds * 1e6),
            String(format: "%.0f MB/s", pair.bytesPerSecond / 1e6),
          ]
        })
    if let sum = report.allReduce {
      lines.append(
        row("all-reduce", "") + String(format: "%.1f MB", Double(sum.bytes) / 1e6)
          + String(format: " over %d ranks in %.1f ms", report.ranks.count, sum.seconds * 1e3)
          + String(format: ", bus %.0f MB/s", sum.busBytesPerSecond / 1e6))
    }
    return lines
  }

  private static func folders(_ report: Doctor.Report) -> [String] {
    func count(_ flag: KeyPath<RankFacts, Bool?>) -> String {
      "\(report.ranks.filter { $0[keyPath: flag] == true }.count) of \(report.ranks.count) ranks"
    }
    var lines: [String] = []
    if let record = report.record {
      lines.append(
        row("record", "\(record): seen by \(count(\.seesRecord)), ")
          + "writable for \(count(\.writesRecord))")
    }
    if let path = report.datasetPath {
      lines.append(row("dataset_path", "\(path): seen by \(count(\.seesData))"))
    }
    return lines
  }

  /// Rows with their columns below one another.
  private static func align(_ rows: [[String]]) -> [String] {
    let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
      zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
        .joined(separator: "  ").trimmingCharacters(in: .whitespaces)
    }
  }
}
