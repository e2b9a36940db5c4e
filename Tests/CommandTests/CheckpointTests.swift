import Core
import Foundation
import TestSupport
import Testing

/// A run that was stopped and goes on must end as one that never was.
@Suite struct CheckpointTests {
  /// Every step of three epochs of four, on one rank and on two, each with statistics of its own.
  @Test(arguments: [1, 2]) func stoppedAfterAnyStepARunEndsWithTheSameBits(ranks: Int) throws {
    let tiny = try TinyDataset()
    let whole = InProcessRun(tiny, record: "whole", worldSize: ranks)
    try whole.attack()
    let expected = try whole.result()
    for last in [1, 3, 4, 6, 8, 11] {
      let cut = InProcessRun(tiny, record: "cut-\(last)", worldSize: ranks)
      let stopped = try cut.attack { step, interruption in
        if step == last { interruption.request() }
      }
      #expect(stopped.outcome.stopped?.epoch == (last - 1) / 4)
      #expect(stopped.outcome.stopped?.step == (last - 1) % 4 + 1)
      let resumed = try cut.attack(resume: .on)
      #expect(resumed.outcome.stopped == nil)
      #expect(resumed.said.contains { $0.hasPrefix("going on after epoch \((last - 1) / 4), ") })
      let result = try cut.result()
      #expect(result.model == expected.model, "stopped after step \(last)")
      #expect(result.frame == expected.frame, "stopped after step \(last)")
    }
  }

  /// Shared statistics make the world size invisible to the bit: had one image been taken twice or
  /// left out, or one step been made with another batch, the parameters would differ.
  @Test func fromFourRanksToTwoToOneToFourEverySampleIsTakenOnce() throws {
    let tiny = try TinyDataset()
    let whole = InProcessRun(tiny, record: "whole", sharesStatistics: true)
    try whole.attack()
    let expected = try whole.result()
    var cut = InProcessRun(tiny, record: "cut", sharesStatistics: true)
    for (ranks, last) in [(4, 3), (2, 6), (1, 9), (4, 99)] {
      cut.worldSize = ranks
      let part = try cut.attack(resume: .auto) { step, interruption in
        if step == last { interruption.request() }
      }
      #expect(part.outcome.stopped == nil || part.outcome.stopped?.step == (last - 1) % 4 + 1)
    }
    let result = try cut.result()
    #expect(result.model == expected.model)
    // Losses are sums over the ranks, whose order differs; counts and rates are the same.
    for (line, wanted) in zip(
      result.frame.split(separator: "\n"), expected.frame.split(separator: "\n"))
    {
      for (cell, other) in zip(line.split(separator: ","), wanted.split(separator: ",")) {
        guard let a = Double(cell), let b = Double(other) else { continue }
        #expect(abs(a - b) <= 1e-9 * abs(b), "\(line)")
      }
    }
  }

  @Test func aRequestToSaveSavesAndGoesOn() throws {
    let run = InProcessRun(try TinyDataset(), record: "a")
    let seen = Seen()
    let (outcome, said) = try run.attack { [run] step, interruption in
      if step == 6 { interruption.requestSave() }
      if step == 7 { seen.add(run.checkpoints.first ?? "none") }
    }
    #expect(outcome.stopped == nil)
    #expect(said.contains("saved a checkpoint after epoch 1, 2 steps into the next"))
    #expect(seen.all.first?.hasSuffix("checkpoint-000001-000000020.pt") == true)
  }

  @Test func checkpointsComeEverySoManyStepsAndTheLastFewStay() throws {
    let run = InProcessRun(try TinyDataset(), record: "a")
    let seen = Seen()
    try run.attack(checkpointSteps: 3, keep: 3) { [run] _, _ in
      seen.add(run.checkpoints.map { ($0 as NSString).lastPathComponent }.joined(separator: " "))
    }
    #expect(seen.all.allSatisfy { $0.split(separator: " ").count <= 3 })
    #expect(
      seen.all.last == "checkpoint-000002-000000010.pt checkpoint-000002-000000000.pt "
        + "checkpoint-000001-000000020.pt")
    #expect(run.checkpoints.count == 1, "a finished run needs the last one alone")
  }

  /// What befalls the newest file, and how its refusal begins.
  static let accidents: [(name: String, complaint: String, act: @Sendable (Data) -> Data)] = [
    ("torn", "is damaged", { $0.prefix($0.count * 2 / 3) }),
    ("empty", "is not a torch archive", { _ in Data() }),
    (
      "altered", "is damaged",
      { data in
        var data = data
        data[data.count / 2] ^= 1
        return data
      }
    ),
  ]

  @Test(arguments: 0..<3) func aDamagedCheckpointIsPassedOver(accident: Int) throws {
    let (_, complaint, act) = Self.accidents[accident]
    let run = InProcessRun(try TinyDataset(), record: "a")
    try run.attack(checkpointSteps: 1) { if $0 == 6 { $1.request() } }
    let files = run.checkpoints
    #expect(files.count == 2)
    let data = try Data(contentsOf: URL(fileURLWithPath: files[0]))
    try act(data).write(to: URL(fileURLWithPath: files[0]))
    let (outcome, said) = try run.attack(resume: .on)
    #expect(outcome.stopped == nil)
    #expect(said.contains { $0.contains(files[0]) && $0.contains(complaint) }, "\(said)")
    #expect(said.contains("going on after epoch 1, 1 step into the next"))
    #expect(FileManager.default.fileExists(atPath: "\(files[0]).refused"))
  }

  @Test func anotherRunsCheckpointIsPassedOver() throws {
    let tiny = try TinyDataset()
    let foreign = InProcessRun(tiny, record: "foreign", sharesStatistics: true)
    try foreign.attack()
    let run = InProcessRun(tiny, record: "a")
    try run.attack(checkpointSteps: 1) { if $0 == 6 { $1.request() } }
    try FileManager.default.copyItem(
      atPath: foreign.checkpoints[0], toPath: "\(run.folder)/checkpoint-000003-000000000.pt")
    let (_, said) = try run.attack(resume: .on)
    #expect(said.contains { $0.contains("cannot resume: sync_bn was true and is false now") })
    #expect(said.contains("going on after epoch 1, 2 steps into the next"))
  }

  @Test func goingOnWithOtherThreadsIsTold() throws {
    let run = InProcessRun(try TinyDataset(), record: "a")
    try run.attack { if $0 == 6 { $1.request() } }
    let (outcome, said) = try run.attack(resume: .on, threads: 2)
    #expect(outcome.stopped == nil)
    #expect(said.contains("threads was 1 and is 2 now: last bits may differ"), "\(said)")
  }

  @Test func withoutAUsableCheckpointAutoStartsAnewAndOnRefuses() throws {
    let run = InProcessRun(try TinyDataset(), record: "a")
    try run.attack { if $0 == 6 { $1.request() } }
    for file in run.checkpoints { try Data("torn".utf8).write(to: URL(fileURLWithPath: file)) }
    let error = #expect(throws: (any Error).self) { try run.attack(resume: .on) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("is not a torch archive"))
    let (outcome, said) = try run.attack(resume: .auto)
    #expect(outcome.stopped == nil)
    #expect(said.contains("no checkpoint, starting anew"))
    #expect(FileManager.default.fileExists(atPath: "\(run.folder).earlier-1"))
  }

  @Test(arguments: [1, 2]) func aStoppedTuningEndsWithTheSameBits(ranks: Int) throws {
    let tiny = try TinyDataset()
    let whole = InProcessRun(tiny, record: "whole")
    try whole.attack()
    func tuned(_ run: InProcessRun) throws -> [Data?] {
      try ["defense_result.pt", "ft_df.csv"].map {
        try Data(contentsOf: URL(fileURLWithPath: "\(run.defenseFolder)/\($0)"))
      }
    }
    var run = whole
    run.worldSize = ranks
    try run.tune()
    let expected = try tuned(run)
    for last in [2, 4, 7] {
      try FileManager.default.removeItem(atPath: run.defenseFolder)
      let stopped = try run.tune { if $0 == last { $1.request() } }
      #expect(stopped.outcome.isResumable)
      #expect(!FileManager.default.fileExists(atPath: "\(run.defenseFolder)/defense_result.pt"))
      let resumed = try run.tune(resume: .auto)
      #expect(resumed.said.contains { $0.hasPrefix("going on after epoch ") })
      #expect(try tuned(run) == expected, "stopped after step \(last)")
      #expect(CheckpointFolder(path: run.defenseFolder, keep: 1).files.isEmpty)
    }
  }
}
