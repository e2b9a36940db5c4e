import Core
import Distributed
import Foundation
import Testing

/// wanet's own settings, on generated images.
@Suite struct WaNetTests {
  private struct Silent: TrainingObserver {
    func observe(_ event: TrainingEvent) {}
  }

  private func attack(_ setting: ConfigValue) throws -> AttackResult {
    let scratch = FileManager.default.temporaryDirectory
      .appendingPathComponent("wanet-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    var configuration = AttackConfiguration(attack: .wanet)
    (configuration.record, configuration.dataset) = ("\(scratch)/record", "synthetic")
    (configuration.width, configuration.batchSize, configuration.threads) = (1, 50, 1)
    (configuration.epochs, configuration.maxSteps, configuration.learningRate) = (1, 2, 0.01)
    var wanet = WaNet()
    let field = try #require(WaNet.fields.first { $0.key == "png_training" })
    #expect(field.assign(setting, &wanet))
    let outcome = try BackdoorAttack(
      configuration, communicator: SoloCommunicator(), observer: Silent(),
      interruption: Interruption()
    ).run(by: wanet)
    return try AttackResult.read(path: "\(outcome.folder)/attack_result.pt")
  }

  @Test func trainingOnPicturesMovesTheModelALittleElsewhere() throws {
    let models = try [false, true].map { try attack(.boolean($0)).model }
    let values = try models.map { model -> [Float] in
      let weight = try #require(model["conv1.weight"]).values
      guard case .float32(let values) = weight else { return [] }
      return values
    }
    let distance = zip(values[0], values[1]).map { abs($0 - $1) }.max() ?? 0
    #expect(distance > 1e-7 && distance < 1e-2, "\(distance)")
  }
}
