import Foundation
import TestSupport
import Testing

/// What a run tells of its ranks' times.
@Suite(.serialized) struct WatchTests {
  /// A span of a Chrome trace, in microseconds.
  private struct Span {
    let name: String
    let start, end: Double
  }

  private func read(_ path: String) throws -> (events: [[String: Any]], other: [String: Any]) {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    let trace = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    return (
      try #require(trace["traceEvents"] as? [[String: Any]]),
      try #require(trace["otherData"] as? [String: Any])
    )
  }

  private func spans(_ events: [[String: Any]], pid: Int, tid: Int) -> [Span] {
    events.compactMap { event in
      guard event["ph"] as? String == "X", event["pid"] as? Int == pid,
        event["tid"] as? Int == tid, let name = event["name"] as? String,
        let start = event["ts"] as? Double, let duration = event["dur"] as? Double
      else { return nil }
      return Span(name: name, start: start, end: start + duration)
    }
  }

  /// Whether any two spans are apart or one lies within the other, up to the rounding of times.
  private func nest(_ spans: [Span]) -> Bool {
    var open: [Span] = []
    for span in spans.sorted(by: { ($0.start, -$0.end) < ($1.start, -$1.end) }) {
      while let last = open.last, last.end <= span.start + 0.01 { open.removeLast() }
      if let last = open.last, span.end > last.end + 0.01 { return false }
      open.append(span)
    }
    return true
  }

  @Test(arguments: [1, 2]) func theTimelineHasAllRanksAndItsSpansNest(ranks: Int) throws {
    let tiny = try TinyDataset()
    let path = "\(tiny.folder)/trace.json"
    let arguments =
      ["attack", "badnet", "--epochs", "2", "--timeline", path, "--json"] + tiny.flags
    let output =
      ranks == 1
      ? try RunProcess.run(TinyDataset.program, arguments)
      : try RunProcess.mpirun(ranks, TinyDataset.program, arguments)
    #expect(output.exitCode == 0, "\(output.standardError)")
    let (events, other) = try read(path)
    #expect((other["clock_error_us"] as? [Double])?.count == ranks)
    for rank in 0..<ranks {
      let found = spans(events, pid: rank, tid: 0)
      for name in ["load", "step", "forward", "backward", "wait", "update", "evaluate", "save"] {
        #expect(found.contains { $0.name == name }, "no \(name) on rank \(rank)")
      }
      #expect(found.filter { $0.name == "step" }.count == 8)
      #expect(nest(found))
      let sums = spans(events, pid: rank, tid: 1)
      #expect(nest(sums))
      #expect(sums.filter { $0.name == "bucket 1" }.count == (ranks == 1 ? 0 : 8))
      let names = events.filter {
        $0["name"] as? String == "process_name" && $0["pid"] as? Int == rank
      }.compactMap { ($0["args"] as? [String: Any])?["name"] as? String }
      #expect(names.count == 1 && names[0].hasPrefix("rank \(rank) ("))
    }
    #expect(Set(events.compactMap { $0["pid"] as? Int }) == Set(0..<ranks))
  }

  @Test func aTimelineThatCannotBeWrittenIsFoundOutBeforeTraining() throws {
    let tiny = try TinyDataset()
    let output = try RunProcess.run(
      TinyDataset.program,
      ["attack", "badnet", "--epochs", "1", "--timeline", "/nowhere/trace.json"] + tiny.flags)
    #expect(output.exitCode == 1)
    #expect(output.errorLines.last?.hasPrefix("fst: cannot write /nowhere/trace.json: ") == true)
    #expect(!FileManager.default.fileExists(atPath: tiny.record))
  }

  @Test(arguments: [1, 2]) func timesByRankAreInTheResultAndInTheLog(ranks: Int) throws {
    let tiny = try TinyDataset()
    let arguments = ["attack", "badnet", "--epochs", "2", "--json"] + tiny.flags
    let output =
      ranks == 1
      ? try RunProcess.run(TinyDataset.program, arguments)
      : try RunProcess.mpirun(ranks, TinyDataset.program, arguments)
    let timing = try #require(output.lastJSON?["timing"] as? [[String: Any]])
    #expect(timing.count == 2)
    for epoch in timing {
      #expect(epoch["steps"] as? Int == 4)
      for key in ["time_to_last_gradient", "load", "wait"] {
        let spread = try #require(epoch[key] as? [String: Any])
        let values = ["min", "median", "max"].compactMap { spread[$0] as? Double }
        #expect(values.count == 3 && values == values.sorted())
        #expect((0..<ranks).contains(spread["max_rank"] as? Int ?? -1))
      }
      let hosts = try #require(epoch["hosts"] as? [[String: Any]])
      #expect(hosts.flatMap { $0["ranks"] as? [Int] ?? [] } == Array(0..<ranks))
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: tiny.runFolder)
    let log = try #require(names.first { $0.hasSuffix(".log") })
    let text = try String(contentsOfFile: "\(tiny.runFolder)/\(log)", encoding: .utf8)
    #expect(text.contains("timing of epoch 2"))
  }
}
