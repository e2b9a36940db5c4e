import Foundation
import TestSupport
import Testing

/// What signals do to a run of several processes, and what keeps two runs apart.
@Suite struct SignalTests {
  private static func attack(
    _ tiny: TinyDataset, epochs: Int = 1_000_000, _ more: [String] = []
  ) -> [String] {
    ["attack", "badnet", "--epochs", "\(epochs)"] + tiny.flags + more
  }

  /// Starts two ranks, each of which leaves its process id in `<folder>/rank-<n>`.
  private func startTwoRanks(_ tiny: TinyDataset, _ arguments: [String]) throws -> RunningProcess {
    let words = ([TinyDataset.program] + arguments).map { "'\($0)'" }
    let script =
      "echo $$ > '\(tiny.folder)'/rank-$OMPI_COMM_WORLD_RANK; exec " + words.joined(separator: " ")
    return try RunningProcess(
      // A test's thread blocks signals, and its children would inherit that.
      "/usr/bin/env",
      ["--default-signal=USR1"] + RunProcess.mpirunCommand(2) + ["/bin/bash", "-c", script])
  }

  @Test(arguments: [0, 1]) func aSignalToOneRankStopsAllAfterTheSameStep(rank: Int) throws {
    let tiny = try TinyDataset()
    let attack = try startTwoRanks(tiny, Self.attack(tiny))
    #expect(tiny.waitForEpochs(2), "\(attack.errorSoFar)")
    try stop(rank: rank, of: tiny)
    let stopped = attack.wait()
    #expect(!stopped.timedOut)
    #expect(stopped.exitCode == 75)
    let said = stopped.errorLines.filter { $0.hasPrefix("interrupted after epoch ") }
    #expect(said.count == 1, "\(stopped.standardError)")

    let resumed = try RunningProcess(TinyDataset.program, Self.attack(tiny, ["--resume", "auto"]))
    let place = said.first?.split(separator: ";").first?.dropFirst("interrupted ".count) ?? "none"
    #expect(waitFor { resumed.errorSoFar.contains("going on \(place)\n") })
    resumed.send(SIGKILL)
    _ = resumed.wait()
  }

  /// Of 120 steps the last two are compressed.
  ///
  /// Counted from where the run goes on none would be, and the model would be that of training
  /// without compression.
  @Test func aResumedRunCompressesFromTheStepItWasTold() throws {
    let tiny = try TinyDataset()
    var archive: Data? {
      FileManager.default.contents(atPath: "\(tiny.runFolder)/attack_result.pt")
    }
    func train(_ more: [String]) throws -> ProcessOutput {
      let run = try RunProcess.mpirun(
        2, TinyDataset.program, Self.attack(tiny, epochs: 30, more))
      #expect(run.exitCode == 0, "\(run.standardError)")
      return run
    }
    let compression = ["--compress", "powersgd", "--powersgd_rank", "1"]
    #expect(!(try train([])).standardError.contains("powersgd"))
    let plain = try #require(archive)
    let unused = try train(compression)
    #expect(
      unused.standardError.contains(
        "compress powersgd has no effect: of 120 steps powersgd_start leaves out the first 1000"))
    #expect(archive == plain)

    try FileManager.default.removeItem(atPath: tiny.record)
    let late = compression + ["--powersgd_start", "118"]
    let attack = try startTwoRanks(tiny, Self.attack(tiny, epochs: 30, late))
    #expect(tiny.waitForEpochs(1), "\(attack.errorSoFar)")
    try stop(rank: 0, of: tiny)
    #expect(attack.wait().exitCode == 75)
    #expect(try train(late + ["--resume"]).standardError.contains("going on after epoch "))
    #expect(archive != nil)
    #expect(archive != plain)
  }

  /// Its rate follows the losses of all epochs, those before the stop among them: that hardly change,
  /// so that the thirteenth epoch is the first with a lower one.
  @Test func aResumedRunWaitsForThePlateauThatBeganBefore() throws {
    let tiny = try TinyDataset()
    // All images make one step, so that their order does not show in the loss.
    let schedule =
      ["--lr_scheduler", "ReduceLROnPlateau", "--lr", "1e-7", "--sgd_momentum", "0"]
      + ["--no_augment", "--batch_size", "40", "--sync_bn"]
    let attack = try startTwoRanks(tiny, Self.attack(tiny, epochs: 40, schedule))
    #expect(tiny.waitForEpochs(2), "\(attack.errorSoFar)")
    try stop(rank: 0, of: tiny)
    #expect(attack.wait().exitCode == 75)
    let rest = try RunProcess.mpirun(
      2, TinyDataset.program, Self.attack(tiny, epochs: 40, schedule + ["--resume"]))
    #expect(rest.exitCode == 0, "\(rest.standardError)")
    let lines = rest.errorLines.filter { $0.hasPrefix("epoch ") }
      .map { $0.split(whereSeparator: { " /".contains($0) }).map(String.init) }
    #expect(lines.last?[1] == "40")
    for line in lines {
      let epoch = try #require(Int(line[1]))
      #expect(line[3...4] == ["lr", epoch > 12 ? "1e-08" : "1e-07"], "epoch \(epoch)")
    }
  }

  /// Sends SIGTERM to a rank that `startTwoRanks` started.
  private func stop(rank: Int, of tiny: TinyDataset) throws {
    let text = try String(contentsOfFile: "\(tiny.folder)/rank-\(rank)", encoding: .utf8)
    kill(try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines))), SIGTERM)
  }

  /// mpirun passes SIGUSR1 on to all ranks.
  @Test func mpirunPassesTheRequestToSaveOn() throws {
    let tiny = try TinyDataset()
    let attack = try startTwoRanks(tiny, Self.attack(tiny))
    #expect(tiny.waitForEpochs(1), "\(attack.errorSoFar)")
    attack.send(SIGUSR1)
    #expect(waitFor { attack.errorSoFar.contains("saved a checkpoint after epoch ") })
    let epochs = tiny.finishedEpochs
    #expect(tiny.waitForEpochs(epochs + 2), "the run goes on")
    attack.send(SIGKILL)
    _ = attack.wait()
  }

  @Test func aSecondRunInTheFolderIsRefusedUntilTheFirstHasEnded() throws {
    let tiny = try TinyDataset()
    let first = try RunningProcess(TinyDataset.program, Self.attack(tiny))
    #expect(tiny.waitForEpochs(1), "\(first.errorSoFar)")
    let second = try RunProcess.run(TinyDataset.program, Self.attack(tiny))
    #expect(second.exitCode == 1)
    let said = second.errorLines.filter { $0.hasPrefix("fst: ") }
    #expect(said.count == 1)
    #expect(said.first?.contains("\(tiny.runFolder): another run works in this folder") == true)
    first.send(SIGKILL)
    _ = first.wait()
    #expect(FileManager.default.fileExists(atPath: "\(tiny.runFolder)/.lock"))
    let third = try RunProcess.run(
      TinyDataset.program, ["attack", "badnet", "--epochs", "1"] + tiny.flags)
    #expect(third.exitCode == 0, "a dead process holds no lock: \(third.standardError)")
  }

  /// A short form of scripts/kill-test.sh.
  @Test func whereverItIsKilledARunGoesOn() throws {
    let tiny = try TinyDataset()
    let arguments = Self.attack(tiny, ["--checkpoint_steps", "1", "--resume", "auto"])
    for round in 0..<5 {
      let run = try RunningProcess(TinyDataset.program, arguments)
      let marker = round == 0 ? "no checkpoint, starting anew" : "going on after epoch "
      #expect(waitFor { run.errorSoFar.contains(marker) }, "\(run.errorSoFar)")
      #expect(!run.errorSoFar.contains("damaged"))
      Thread.sleep(forTimeInterval: 0.2 + Double.random(in: 0..<0.3))
      run.send(SIGKILL)
      _ = run.wait()
    }
  }

  private func waitFor(_ timeout: Double = RunProcess.hangLimit, _ condition: () -> Bool) -> Bool {
    let end = Date().addingTimeInterval(timeout)
    while !condition() {
      if Date() > end { return false }
      Thread.sleep(forTimeInterval: 0.02)
    }
    return true
  }
}
