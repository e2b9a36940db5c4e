import Foundation
import TestSupport
import Testing

/// Records of a run for other programs: `--tensorboard` and `--log_json`.
@Suite struct RecordTests {
  private func attack(_ tiny: TinyDataset, _ more: [String]) throws -> ProcessOutput {
    try RunProcess.run(TinyDataset.program, ["attack", "badnet"] + tiny.flags + more)
  }

  private func lines(_ path: String) throws -> [[String: Any]] {
    try objects(String(contentsOfFile: path, encoding: .utf8))
  }

  private func objects(_ text: String) throws -> [[String: Any]] {
    try text.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  private func events(_ folder: String) throws -> [[EventReader.Event]] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map {
      try EventReader.events(
        Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)"))))
    }
  }

  /// Attacks without an end until `epochs` are on disk, and is interrupted then.
  private func interrupted(_ tiny: TinyDataset, after epochs: Int, _ more: [String]) throws {
    let run = try RunningProcess(
      TinyDataset.program, ["attack", "badnet", "--epochs", "100000"] + tiny.flags + more)
    #expect(tiny.waitForEpochs(epochs))
    run.send(SIGINT)
    let output = run.wait()
    #expect(output.exitCode == 75, "\(output.standardError)")
  }

  @Test func anInterruptedRunsRecordsAreReadableAndGoOnInItsSteps() throws {
    let tiny = try TinyDataset()
    let (folder, log) = ("\(tiny.folder)/events", "\(tiny.folder)/log.jsonl")
    let kept = ["--tensorboard", folder, "--log_json", log]
    try interrupted(tiny, after: 1, kept)
    try interrupted(tiny, after: tiny.finishedEpochs + 1, kept + ["--resume"])

    let files = try events(folder)
    #expect(files.count == 2)
    var (steps, epochs): ([Int], [Int]) = ([], [])
    for file in files {
      #expect(file.first?.version == "brain.Event:2")
      #expect(file.contains { $0.picture?.tag == "images/trigger" })
      steps += file.filter { $0.scalars["step/loss"] != nil }.map(\.step)
      epochs += file.filter { $0.scalars["epoch/clean_accuracy"] != nil }.map(\.step)
    }
    #expect(steps.count >= 8)
    #expect(steps == Array(1...steps.count))
    #expect(epochs == Array(1...tiny.finishedEpochs))
    let lines = try lines(log)
    #expect(Set(lines.compactMap { $0["run"] as? String }).count == 2)
    let logged = lines.filter { $0["event"] as? String == "step" }
    #expect(logged.compactMap { $0["step"] as? Int } == steps)
    #expect(logged.allSatisfy { $0["loss"] is Double && $0["lr"] is Double })
    let ends = lines.filter { $0["event"] as? String == "end" }
    #expect(ends.compactMap { $0["outcome"] as? String } == ["interrupted", "interrupted"])
  }

  @Test func onStandardOutputEachLineIsJSON() throws {
    let tiny = try TinyDataset()
    let output = try attack(tiny, ["--epochs", "1", "--log_json", "-"])
    #expect(output.exitCode == 0, "\(output.standardError)")
    let lines = try objects(output.standardOutput)
    #expect(lines.first?["event"] as? String == "start")
    #expect(lines.contains { $0["folder"] as? String == tiny.runFolder })
  }

  @Test func aTuningsRatesStandBeforeAndAfterIt() throws {
    let tiny = try TinyDataset()
    let (folder, log) = ("\(tiny.folder)/events", "\(tiny.folder)/log.jsonl")
    #expect(try attack(tiny, ["--epochs", "1"]).exitCode == 0)
    for command in [["tune", "--attack", "badnet", "--epochs", "1"], ["defend", "clp"]] {
      let output = try RunProcess.run(
        TinyDataset.program,
        command + [
          "--result", tiny.runFolder, "--dataset_path", "\(tiny.folder)/data", "--split_ratio",
          "0.5", "--threads", "1", "--batch_size", "10", "--tensorboard",
          "\(folder)/\(command[0])", "--log_json", log,
        ])
      #expect(output.exitCode == 0, "\(output.standardError)")
      let events = try events("\(folder)/\(command[0])")[0]
      let tested = events.filter { $0.scalars["epoch/attack_success_rate"] != nil }
      #expect(tested.map(\.step) == [0, 1])
    }
    let moments = try lines(log).compactMap { $0["moment"] as? String }
    #expect(moments == ["before", "after", "before", "after"])
  }

  @Test func aPlaceThatCannotBeWrittenToEndsARunBeforeItTrains() throws {
    let tiny = try TinyDataset()
    let file = "\(tiny.folder)/file"
    try Data().write(to: URL(fileURLWithPath: file))
    for flags in [
      ["--tensorboard", file], ["--tensorboard", "\(file)/events"],
      ["--log_json", "\(tiny.folder)/none/log.jsonl"], ["--log_json", tiny.folder],
      ["--log_json", "/dev/full"],
    ] {
      let output = try attack(tiny, ["--epochs", "1"] + flags)
      #expect(output.exitCode == 1)
      #expect(output.errorLines.count == 1, "\(output.standardError)")
      #expect(output.standardError.hasPrefix("fst: cannot "))
      #expect(!FileManager.default.fileExists(atPath: tiny.record))
    }
  }

  @Test(arguments: ["--log_json", "--timeline"])
  func aFileOfAnotherKindIsLeftAsItIs(flag: String) throws {
    let tiny = try TinyDataset()
    let (path, text) = ("\(tiny.folder)/attack_result.pt", "PK and an archive")
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let output = try attack(tiny, ["--epochs", "1", flag, path])
    #expect(output.exitCode == 1)
    let last = try #require(output.errorLines.last)
    #expect(last.hasPrefix("fst: \(path): expected no file or an earlier one of JSON"), "\(last)")
    #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
  }

  @Test func onManyRanksTheFirstAloneWritesAndAllFail() throws {
    let tiny = try TinyDataset()
    let folder = "\(tiny.folder)/events"
    let command = ["attack", "badnet", "--epochs", "1"] + tiny.flags
    let output = try RunProcess.mpirun(
      2, TinyDataset.program, command + ["--tensorboard", folder])
    #expect(output.exitCode == 0, "\(output.standardError)")
    #expect(try events(folder).count == 1)
    let failed = try RunProcess.mpirun(
      2, TinyDataset.program, command + ["--log_json", tiny.folder])
    #expect(failed.exitCode != 0)
    #expect(failed.errorLines.filter { $0.hasPrefix("fst: ") }.count == 1)
  }
}

/// What TensorBoard's own reader makes of a run.
@Suite(.enabled(if: TensorBoard.isThere))
struct TensorBoardTests {
  @Test func itsReaderFindsScalarsAndPictures() throws {
    let tiny = try TinyDataset()
    let folder = "\(tiny.folder)/events"
    let run = try RunProcess.run(
      TinyDataset.program,
      ["attack", "badnet", "--epochs", "2", "--tensorboard", folder] + tiny.flags)
    #expect(run.exitCode == 0, "\(run.standardError)")
    let read = try RunProcess.run(TensorBoard.python, ["-c", TensorBoard.script, folder])
    #expect(read.exitCode == 0, "\(read.standardError)")
    let found = try #require(read.lastJSON)
    #expect(found["steps"] as? [Int] == Array(1...8))
    #expect(found["epochs"] as? [Int] == [1, 2])
    #expect(found["pictures"] as? [String] == ["images/trigger"])
  }
}

/// A Python that has TensorBoard: `FST_TENSORBOARD_PYTHON`, else the `python3` of the path.
private enum TensorBoard {
  static let python =
    ProcessInfo.processInfo.environment["FST_TENSORBOARD_PYTHON"]
    ?? "/usr/bin/python3"

  static let isThere: Bool = {
    let output = try? RunProcess.run(python, ["-c", "import tensorboard"])
    if output?.exitCode == 0 { return true }
    FileHandle.standardError.write(
      Data("SKIPPED: TensorBoardTests: FST_TENSORBOARD_PYTHON names no Python that has it\n".utf8))
    return false
  }()

  static let script = """
    import json, sys
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0}).Reload()
    print(json.dumps({
        "steps": [event.step for event in events.Scalars("step/loss")],
        "epochs": [event.step for event in events.Scalars("epoch/clean_accuracy")],
        "pictures": events.Tags()["images"]}))
    """
}
