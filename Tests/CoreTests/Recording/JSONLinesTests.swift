import Core
import Foundation
import Synchronization
import Testing

/// The lines that a run's events become.
@Suite struct JSONLinesTests {
  private struct Full: Error {}

  private final class Lines: Sendable {
    private let kept = Mutex<[String]>([])

    func add(_ line: String) { kept.withLock { $0.append(line) } }

    func objects() throws -> [[String: Any]] {
      try kept.withLock { $0 }.map {
        #expect($0.hasSuffix("}\n"))
        return try #require(
          try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
    }
  }

  private func recorder(_ lines: Lines) throws -> JSONLinesRecorder {
    try JSONLinesRecorder(
      version: "1", command: ["fst", "a \"b\"\n"], ranks: 2, warn: { Issue.record("\($0)") },
      write: { lines.add($0) })
  }

  @Test func aRunBeginsAndEndsWithALine() throws {
    let lines = Lines()
    try recorder(lines).finish("done", seconds: 1.5)
    let objects = try lines.objects()
    #expect(objects.map { $0["event"] as? String } == ["start", "end"])
    #expect(objects[0]["command"] as? [String] == ["fst", "a \"b\"\n"])
    #expect(objects[0]["run"] as? String == objects[1]["run"] as? String)
    #expect(objects[1]["seconds"] as? Double == 1.5)
  }

  @Test func messagesAreTextWhateverTheyHold() throws {
    let lines = Lines()
    let text = "a \"name\" \\ with \u{1B}[31m\nand \u{2028}"
    try recorder(lines).observe(.message(text))
    #expect(try lines.objects().last?["text"] as? String == text)
  }

  @Test func ratesWithoutImagesAreNotThere() throws {
    let lines = Lines()
    var metrics = BackdoorMetrics()
    (metrics.cleanCorrect, metrics.cleanTotal) = (1, 4)
    try recorder(lines).observe(.measured(metrics, .before))
    let test = try #require(try lines.objects().last)
    #expect(test["clean_accuracy"] as? Double == 0.25)
    #expect(test["attack_success_rate"] == nil)
    #expect(test["epoch"] as? Int == 0)
  }

  @Test func whatCannotBeWrittenIsToldOnceAndTheRunGoesOn() throws {
    let warnings = Lines()
    let calls = Lines()
    let recorder = try JSONLinesRecorder(
      version: "1", command: [], ranks: 1, warn: { warnings.add("{\"text\":\"\($0)\"}\n") },
      write: { _ in
        calls.add("{}\n")
        if try calls.objects().count > 1 { throw Full() }
      })
    for _ in 0..<3 { recorder.observe(.message("so far")) }
    #expect(try calls.objects().count == 2)
    #expect(try warnings.objects().count == 1)
  }

  @Test func aPlaceThatTakesNoLineIsRefused() {
    #expect(throws: Full.self) {
      _ = try JSONLinesRecorder(
        version: "1", command: [], ranks: 1, warn: { _ in }, write: { _ in throw Full() })
    }
  }
}
