import Core
import Foundation
import Testing

/// The YAML files that the project ships.
@Suite struct ExampleFilesTests {
  private static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("config/attack").path

  @Test(arguments: AttackName.allCases) func everyAttackHasADefaultFile(attack: AttackName) throws {
    let decoded = try ConfigDecoder.attack(
      attack, flags: [], attackYAML: "\(Self.folder)/\(attack.rawValue)/default.yaml")
    #expect(decoded.warnings.isEmpty)
  }

  @Test func everyExperimentIsAPlan() throws {
    let folder = "\(Self.folder)/../experiments"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(names.count >= 4)
    for name in names {
      let decoded = try ConfigDecoder.sweep(plan: "\(folder)/\(name)", flags: [])
      #expect(decoded.warnings.isEmpty)
      #expect(decoded.configuration.runCount > 1)
    }
  }

  @Test(arguments: Datasets.all.map(\.name)) func everyDatasetHasAPrototype(name: String) throws {
    let decoded = try ConfigDecoder.attack(
      .badnet, flags: [], prototypeYAML: "\(Self.folder)/prototype/\(name).yaml")
    #expect(decoded.configuration.dataset == name)
    #expect(decoded.warnings.isEmpty)
  }
}
