import Core
import Distributed
import Foundation
import Testing

/// docs/add-your-own.md: its code is the code of this folder, and runs.
@Suite struct AddYourOwnTests {
  private struct Silent: TrainingObserver {
    func observe(_ event: TrainingEvent) {}
  }

  @Test(arguments: [
    ("attack", "Checkerboard"), ("defence", "HeadDecay"), ("dataset", "Stripes"),
  ])
  func theCodeOfThePageIsCompiledHere(kind: String, name: String) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let root = folder.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(
      contentsOf: root.appendingPathComponent("docs/add-your-own.md"), encoding: .utf8)
    let code = try #require(page.components(separatedBy: "```swift \(kind)\n").dropFirst().first)
    let file = try String(
      contentsOf: folder.appendingPathComponent("\(name).swift"), encoding: .utf8)
    #expect(code.hasPrefix(file + "```\n"))
  }

  @Test func attackAndDatasetRun() throws {
    let scratch = FileManager.default.temporaryDirectory
      .appendingPathComponent("add-your-own-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    #expect(DatasetKind.stripes.classCount == 2 && !DatasetKind.stripes.needsFiles)
    let stripes = DatasetPair(
      train: DatasetKind.stripes(200, seed: 3), test: DatasetKind.stripes(40, seed: 4))
    #expect(stripes.train.count == 200 && stripes.test.labels.prefix(3) == [0, 1, 0])

    let configuration = Self.configuration(in: scratch)
    let solo = SoloCommunicator()
    let outcome = try BackdoorAttack(
      configuration, dataset: stripes, communicator: solo, observer: Silent(),
      interruption: Interruption()
    ).run(by: Checkerboard())
    #expect(outcome.metrics.triggeredTotal == 20)
    let result = try AttackResult.read(path: "\(outcome.folder)/attack_result.pt")
    #expect(result.numClasses == 2 && result.backdoorTrain?.entries.count == 20)
  }

  @Test func aDefenceRuns() throws {
    let scratch = FileManager.default.temporaryDirectory
      .appendingPathComponent("add-your-own-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    let (solo, interruption) = (SoloCommunicator(), Interruption())
    var attack = Self.configuration(in: scratch)
    attack.maxSteps = 4
    let attacked = try BackdoorAttack(
      attack, communicator: solo, observer: Silent(), interruption: interruption
    ).run()
    var settings = DefendConfiguration(defence: try #require(DefenceName(rawValue: "clp")))
    HeadDecay.adjust(&settings)
    #expect(settings.shared.epochs == 10)
    (settings.shared.resultPath, settings.shared.dataset) = (attacked.folder, "synthetic")
    (settings.shared.epochs, settings.shared.save, settings.shared.threads) = (1, true, 1)
    let outcome = try Defending(
      settings, communicator: solo, observer: Silent(), interruption: interruption
    ).run(by: HeadDecay())
    #expect(outcome.before == attacked.metrics && outcome.after.cleanTotal == 1000)
    let folder = try #require(outcome.folder)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(files.contains("defense_result.pt") && files.contains("head-decay_df.csv"))
  }

  /// A tiny run on generated images.
  private static func configuration(in scratch: String) -> AttackConfiguration {
    var configuration = AttackConfiguration(attack: .badnet)
    (configuration.record, configuration.dataset) = ("\(scratch)/record", "synthetic")
    (configuration.width, configuration.epochs, configuration.batchSize) = (1, 1, 50)
    configuration.threads = 1
    return configuration
  }

  @Test func aTriggerChangesWhatItSays() throws {
    var attack = Checkerboard()
    let field = try #require(Checkerboard.fields.first { $0.key == "checker_strength" })
    #expect(field.assign(.integer(200), &attack) && !field.assign(.integer(0), &attack))
    var pixels = [UInt8](repeating: 100, count: 8 * 8 * 3)
    pixels.withUnsafeMutableBufferPointer {
      attack.trigger(height: 8, width: 8)
        .apply(to: $0, height: 8, width: 8, image: TriggeredImage(split: .test))
    }
    #expect(pixels[0] == 255 && pixels[4 * 3] == 100 && pixels[(4 * 8 + 4) * 3] == 255)
  }
}
