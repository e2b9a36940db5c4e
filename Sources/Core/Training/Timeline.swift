import Distributed
import Foundation

/// The spans of all ranks as a Chrome trace, which chrome://tracing and Perfetto show.
///
/// A process is a rank, with a thread that computes and one that communicates.
struct Timeline {
  /// What one rank has to tell.
  struct Rank: Codable {
    var host: String
    var clock: ClockOffset
  }

  /// The spans that all ranks together may keep, so that rank 0 can hold them: 24 bytes each.
  static let limit = 1_000_000
  /// The spans that one rank may keep.
  static func limit(worldSize: Int) -> Int { min(limit / worldSize, 200_000) }

  /// All ranks, in order.
  let ranks: [(about: Rank, spans: SpanBuffer)]

  /// Gathers all ranks' spans; all ranks call it, each with its clock's offset.
  static func gather(
    _ spans: SpanBuffer, clock: ClockOffset, on communicator: any Communicator
  ) throws -> Timeline {
    let about = try JSONEncoder().encode(Rank(host: communicator.hostName, clock: clock))
    let abouts = try communicator.allGather(Array(about))
    let buffers = try communicator.allGather(spans.bytes)
    return Timeline(
      ranks: try zip(abouts, buffers).map { about, bytes in
        (try JSONDecoder().decode(Rank.self, from: Data(about)), SpanBuffer(bytes: bytes))
      })
  }

  /// One line for each rank whose spans were too many.
  var cuts: [String] {
    ranks.enumerated().compactMap { rank, content in
      guard content.spans.leftOut > 0 else { return nil }
      return "rank \(rank): the first \(content.spans.spans.count) spans, "
        + "\(content.spans.leftOut) later ones are left out"
    }
  }

  /// Writes the trace; the old file stays where that fails.
  func write(to path: String) throws {
    try AtomicFile.write(to: path) { file in
      try file.write("{\"displayTimeUnit\":\"ms\",\"otherData\":\(try otherData()),\n")
      try file.write("\"traceEvents\":[\n")
      var separator = ""
      try forEachEvent { event in
        try file.write(separator + event)
        separator = ",\n"
      }
      try file.write("\n]}\n")
    }
  }

  private func otherData() throws -> String {
    struct About: Encodable {
      let clockErrorMicroseconds: [Double]
      let cuts: [String]

      enum CodingKeys: String, CodingKey {
        case clockErrorMicroseconds = "clock_error_us"
        case cuts
      }
    }
    let errors = ranks.map { ($0.about.clock.error * 1e6).rounded() }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(
      decoding: try encoder.encode(About(clockErrorMicroseconds: errors, cuts: cuts)),
      as: UTF8.self)
  }

  /// Times in microseconds on rank 0's clock, counted from the first span of all.
  private func forEachEvent(_ body: (String) throws -> Void) throws {
    let first =
      ranks.compactMap { rank in
        rank.spans.spans.map(\.start).min().map {
          Double($0) * 1e-3 + rank.about.clock.seconds * 1e6
        }
      }.min() ?? 0
    for (pid, rank) in ranks.enumerated() {
      let host = String(decoding: try JSONEncoder().encode(rank.about.host), as: UTF8.self)
      let name = "\"rank \(pid) (" + host.dropFirst().dropLast() + ")\""
      try body(Self.metadata("process_name", pid, 0, "\"name\":\(name)"))
      try body(Self.metadata("process_sort_index", pid, 0, "\"sort_index\":\(pid)"))
      for (tid, thread) in ["computation", "communication"].enumerated() {
        try body(Self.metadata("thread_name", pid, tid, "\"name\":\"\(thread)\""))
      }
      let shift = rank.about.clock.seconds * 1e6 - first
      for span in rank.spans.spans {
        let tid = SpanBuffer.isCommunication(span.name) ? 1 : 0
        let start = Double(span.start) * 1e-3 + shift
        let times = String(
          format: "\"ts\":%.3f,\"dur\":%.3f", start, Double(span.end - span.start) * 1e-3)
        try body(
          "{\"ph\":\"X\",\"name\":\"\(rank.spans.names[Int(span.name)])\",\"pid\":\(pid),"
            + "\"tid\":\(tid),\(times),\"args\":{\"step\":\(span.step)}}")
      }
    }
  }

  private static func metadata(_ name: String, _ pid: Int, _ tid: Int, _ args: String) -> String {
    "{\"ph\":\"M\",\"name\":\"\(name)\",\"pid\":\(pid),\"tid\":\(tid),\"args\":{\(args)}}"
  }
}
