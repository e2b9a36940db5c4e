import Foundation
import TestSupport
import Testing

/// Attack, tune and evaluate as a user runs them, on forty images.
@Suite struct PipelineTests {
  @Test func attackTuneAndEvaluateReportTheSameFigures() throws {
    let tiny = try TinyDataset()
    let attack = try RunProcess.run(
      TinyDataset.program, ["attack", "badnet", "--epochs", "2", "--json"] + tiny.flags)
    #expect(attack.exitCode == 0, "\(attack.standardError)")
    #expect(attack.lastJSON?["folder"] as? String == tiny.runFolder)
    #expect(attack.lastJSON?["clean_total"] as? Int == 16)
    #expect(attack.lastJSON?["triggered_total"] as? Int == 8)
    #expect(attack.errorLines.contains { $0.hasPrefix("epoch 2/2 ") })

    let archive = "\(tiny.runFolder)/attack_result.pt"
    let evaluate = try RunProcess.run(
      TinyDataset.program,
      [
        "evaluate", archive, "--dataset", "image_folder", "--dataset_path", "\(tiny.folder)/data",
        "--json",
      ])
    #expect(evaluate.exitCode == 0, "\(evaluate.standardError)")
    let tune = try RunProcess.run(
      TinyDataset.program,
      ["tune", "--attack", "badnet", "--epochs", "1", "--split_ratio", "0.5", "--save", "--json"]
        + tiny.flags)
    #expect(tune.exitCode == 0, "\(tune.standardError)")
    #expect(
      FileManager.default.fileExists(atPath: "\(tiny.runFolder)/defense/fst/defense_result.pt"))
    let before = tune.lastJSON?["before"] as? [String: Any]
    for key in ["clean_correct", "attack_successes", "robust_correct"] {
      let expected = attack.lastJSON?[key] as? Int
      #expect(expected != nil)
      #expect(evaluate.lastJSON?[key] as? Int == expected)
      #expect(before?[key] as? Int == expected)
    }
    #expect((tune.lastJSON?["after"] as? [String: Any])?["clean_total"] as? Int == 16)
  }

  @Test func aFolderStandsForTheArchiveInIt() throws {
    let tiny = try TinyDataset()
    for command in [
      ["attack", "badnet", "--epochs", "1"],
      ["tune", "--attack", "badnet", "--epochs", "1", "--split_ratio", "0.5", "--save"],
    ] {
      let output = try RunProcess.run(TinyDataset.program, command + tiny.flags)
      #expect(output.exitCode == 0, "\(output.standardError)")
    }
    let data = ["--dataset", "image_folder", "--dataset_path", "\(tiny.folder)/data", "--json"]
    for (folder, name) in [
      (tiny.runFolder, "attack_result.pt"), ("\(tiny.runFolder)/defense/fst/", "defense_result.pt"),
    ] {
      let counts = try [folder, "\(folder)/\(name)"].map { path in
        let output = try RunProcess.run(TinyDataset.program, ["evaluate", path] + data)
        #expect(output.exitCode == 0, "\(output.standardError)")
        return ["clean_correct", "attack_successes"].map { output.lastJSON?[$0] as? Int }
      }
      #expect(counts[0] == counts[1] && !counts[0].contains(nil))
    }
    let sheet = try RunProcess.run(
      TinyDataset.program,
      ["tsne", tiny.runFolder, "--out", "\(tiny.folder)/s.svg", "--perplexity", "3"]
        + ["--dataset_path", "\(tiny.folder)/data"])
    #expect(sheet.exitCode == 0, "\(sheet.standardError)")
  }

  @Test func labelSmoothingTakesThePlaceOfThePenalty() throws {
    let tiny = try TinyDataset()
    _ = try RunProcess.run(
      TinyDataset.program, ["attack", "badnet", "--epochs", "1"] + tiny.flags)
    func tuned(_ more: [String]) throws -> Data? {
      _ = try RunProcess.run(
        TinyDataset.program,
        ["tune", "--attack", "badnet", "--epochs", "1", "--split_ratio", "0.5", "--save"]
          + tiny.flags + more)
      return FileManager.default.contents(
        atPath: "\(tiny.runFolder)/defense/fst/defense_result.pt")
    }
    let (smoothed, plain) = (["--lb_smooth", "0.1"], [String]())
    #expect(try tuned(smoothed + ["--alpha", "0"]) == tuned(smoothed + ["--alpha", "5"]))
    #expect(try tuned(plain + ["--alpha", "0"]) != tuned(plain + ["--alpha", "5"]))
  }

  @Test func withoutJSONAShortTableIsPrinted() throws {
    let tiny = try TinyDataset()
    let attack = try RunProcess.run(
      TinyDataset.program, ["attack", "badnet", "--epochs", "1"] + tiny.flags)
    #expect(
      attack.outputLines.map { $0.prefix(5) } == [
        "C-ACC", "ASR  ", "RA   ", "folde", "page ", "time ",
      ])
  }

  @Test func theLogSaysWhatTheRunSaid() throws {
    let tiny = try TinyDataset()
    let attack = try RunProcess.run(
      TinyDataset.program, ["attack", "badnet", "--epochs", "1", "--device", "cpu"] + tiny.flags)
    let names = try FileManager.default.contentsOfDirectory(atPath: tiny.runFolder)
    let log = try #require(names.first { $0.hasSuffix(".log") })
    let text = try String(contentsOfFile: "\(tiny.runFolder)/\(log)", encoding: .utf8)
    for line in attack.errorLines { #expect(text.contains(line)) }
    #expect(text.contains("warning: no effect on a CPU: device"))
  }

  @Test func missingDataIsOneLineThatNamesTheFolder() throws {
    let output = try RunProcess.run(
      TinyDataset.program, ["attack", "badnet", "--dataset_path", "/nowhere/at/all"])
    #expect(output.exitCode == 1)
    #expect(output.errorLines.count == 1)
    #expect(output.standardError.hasPrefix("fst: "))
    #expect(output.standardError.contains("/nowhere/at/all"))
    #expect(output.standardError.contains("--dataset synthetic"))
  }

  @Test(arguments: [1, 2]) func aTargetOutsideTheClassesIsOneLine(ranks: Int) throws {
    let tiny = try TinyDataset()
    let arguments = ["attack", "badnet", "--attack_target", "2"] + tiny.flags
    let output =
      ranks == 1
      ? try RunProcess.run(TinyDataset.program, arguments)
      : try RunProcess.mpirun(ranks, TinyDataset.program, arguments)
    #expect(output.exitCode != 0)
    let said = output.errorLines.filter { $0.hasPrefix("fst: ") }
    #expect(said.count == 1)
    #expect(said.first?.contains("attack_target") == true)
  }
}

/// What Ctrl-C leaves, and what goes on from it.
@Suite struct InterruptionTests {
  @Test(arguments: [SIGINT, SIGTERM]) func anInterruptedAttackGoesOnWithResume(
    signal: Int32
  ) throws {
    let tiny = try TinyDataset()
    let arguments = ["attack", "badnet", "--epochs", "100000"] + tiny.flags
    let first = try RunningProcess(TinyDataset.program, arguments)
    #expect(tiny.waitForEpochs(2))
    first.send(signal)
    let stopped = first.wait()
    #expect(stopped.exitCode == 75)
    let epochs = tiny.finishedEpochs
    let said = try #require(stopped.errorLines.first { $0.hasPrefix("interrupted after epoch ") })
    let place = said.dropFirst("interrupted ".count).split(separator: ";")[0]
    #expect(place.hasPrefix("after epoch \(epochs)"))

    let second = try RunningProcess(TinyDataset.program, arguments + ["--resume"])
    #expect(tiny.waitForEpochs(epochs + 1))
    second.send(signal)
    let resumed = second.wait()
    #expect(resumed.exitCode == 75)
    #expect(resumed.standardError.contains("going on \(place)\n"))
  }
}
