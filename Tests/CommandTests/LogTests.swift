import Foundation
import TestSupport
import Testing

/// What a run's log says a year later.
@Suite struct LogTests {
  /// The logs in `folder`, the oldest first.
  private func logs(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".log") }.sorted()
      .map { try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8) }
  }

  private func attack(_ tiny: TinyDataset, _ more: [String]) throws -> ProcessOutput {
    try RunProcess.run(
      TinyDataset.program, ["attack", "badnet", "--epochs", "1"] + tiny.flags + more)
  }

  /// "<date> <time> ended <date> <time> <zone> after <n> s", the last line.
  private func expectEnd(_ log: String) {
    let end = log.split(separator: "\n").last.map(String.init) ?? ""
    let zoned = #/ ended \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} after \d+ s$/#
    #expect(end.firstMatch(of: zoned) != nil, "\(end)")
  }

  @Test func itSaysWhatRanHowAndWhatItCameTo() throws {
    let tiny = try TinyDataset()
    let output = try attack(tiny, ["--device", "the first"])
    let log = try #require(try logs(in: tiny.runFolder).first)
    let begun = #/ fst \d+\.\d+\.\d+ .*started \d{4}-.* [+-]\d{4}, process \d+ on \S+\n/#
    #expect(log.firstMatch(of: begun) != nil)
    #expect(log.contains(" command: \(TinyDataset.program) attack badnet --epochs 1 --dataset"))
    #expect(log.contains("--device 'the first'"))
    let settings = log.split(separator: "\n").first { $0.contains(" settings: ") } ?? ""
    for given in ["width 4,", "epochs 1, batch_size 10, threads 1"] {
      #expect(settings.contains(given))
    }
    #expect(log.contains(" settings at their defaults: "))
    #expect(log.contains("lr 0.1, lr_scheduler 'CosineAnnealingLR'"))
    #expect(log.contains(" rank 0 on \(ProcessInfo.processInfo.hostName), 1 thread\n"))
    for line in output.outputLines.prefix(3) { #expect(log.contains(line)) }
    expectEnd(log)
  }

  @Test func eachTuningHasALogOfItsOwnWithBothColumns() throws {
    let tiny = try TinyDataset()
    _ = try attack(tiny, [])
    let tune = ["tune", "--attack", "badnet", "--epochs", "1", "--split_ratio", "0.5", "--save"]
    var tables: [[String]] = []
    for alpha in ["0.1", "0.3"] {
      let output = try RunProcess.run(
        TinyDataset.program, tune + tiny.flags + ["--alpha", alpha])
      #expect(output.exitCode == 0, "\(output.standardError)")
      tables.append(Array(output.outputLines.prefix(4)))
    }
    for (place, alpha, table) in [("fst.earlier-1", "0.1", tables[0]), ("fst", "0.3", tables[1])] {
      let logs = try logs(in: "\(tiny.runFolder)/defense/\(place)")
      #expect(logs.count == 1)
      let log = logs.first ?? ""
      #expect(log.contains("--alpha \(alpha)\n"))
      for line in table { #expect(log.contains(" \(line)\n")) }
      expectEnd(log)
    }
  }

  @Test func anInterruptedRunsLogSaysWhere() throws {
    let tiny = try TinyDataset()
    let run = try RunningProcess(
      TinyDataset.program, ["attack", "badnet", "--epochs", "100000"] + tiny.flags)
    #expect(tiny.waitForEpochs(1))
    run.send(SIGINT)
    let output = run.wait()
    let said = try #require(output.errorLines.first { $0.hasPrefix("interrupted after epoch ") })
    let place = said.split(separator: ";")[0]
    let log = try #require(try logs(in: tiny.runFolder).first)
    #expect(log.contains(" \(place)\n"))
    expectEnd(log)
  }

  @Test func aFailedRunsLogSaysWhy() throws {
    let tiny = try TinyDataset()
    let run = try RunningProcess(
      TinyDataset.program, ["attack", "badnet", "--epochs", "100000"] + tiny.flags)
    #expect(tiny.waitForEpochs(1))
    // The frame cannot grow any more; the log stands where it did.
    try FileManager.default.removeItem(atPath: "\(tiny.runFolder)/attack_df.csv")
    try FileManager.default.createDirectory(
      atPath: "\(tiny.runFolder)/attack_df.csv", withIntermediateDirectories: false)
    let output = run.wait()
    #expect(output.exitCode == 1)
    let said = try #require(output.errorLines.last { $0.hasPrefix("fst: ") }).dropFirst(5)
    let log = try #require(try logs(in: tiny.runFolder).first)
    #expect(log.contains(" failed: \(said)\n"), "\(said)")
    expectEnd(log)
  }

  @Test func aRunThatCannotLogGoesOn() throws {
    let tiny = try TinyDataset()
    // A link where the log would be, were its name known: every second of the next minute.
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyy_MM_dd_HH_mm_ss"
    try FileManager.default.createDirectory(
      atPath: tiny.runFolder, withIntermediateDirectories: true)
    let victim = "\(tiny.folder)/victim"
    try Data("precious".utf8).write(to: URL(fileURLWithPath: victim))
    for second in 0..<60 {
      let name = formatter.string(from: Date().addingTimeInterval(Double(second)))
      try FileManager.default.createSymbolicLink(
        atPath: "\(tiny.runFolder)/\(name).log", withDestinationPath: victim)
    }
    #expect(try attack(tiny, []).exitCode == 0)
    #expect(try String(contentsOfFile: victim, encoding: .utf8) == "precious")
  }
}
