import Core
import Foundation
import Testing

/// A run's noted settings, as `fst trigger --result` takes them.
@Suite struct RunSettingsTests {
  private func folder(_ arguments: [(String, PickleValue)]) throws -> String {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("run-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try InfoFile.write(arguments.map { .init($0.0, $0.1) }, to: "\(folder)/info.pickle")
    return folder
  }

  private let noted: [(String, PickleValue)] = [
    ("attack", .string("sig")), ("sig_delta", .float(25)), ("attack_target", .int(3)),
    ("record", .string("elsewhere")), ("batch_size", .int(7)), ("git_hash", .string("x")),
    ("random_seed", .int(5)),
  ]

  @Test func theyLieBelowFlagsAndNameTheFolder() throws {
    let folder = try folder(noted)
    let decoded = try ConfigDecoder.attack(
      .sig, flags: [ConfigArgument(key: "attack_target", value: .integer(4))], run: folder)
    let configuration = decoded.configuration
    #expect(configuration.attackTarget == 4)
    #expect(configuration.settings[Sinusoidal.self].delta == 25)
    #expect(configuration.randomSeed == 5)
    #expect(configuration.folder == folder)
    #expect(configuration.batchSize == 128)
    #expect(decoded.warnings.isEmpty)
  }

  @Test func anotherAttacksRunIsAMistake() throws {
    let folder = try folder(noted)
    #expect(throws: ConfigError.self) {
      try ConfigDecoder.attack(.badnet, flags: [], run: folder)
    }
  }

  @Test func aFolderWithoutARunIsAnError() {
    #expect(throws: ArchiveError.self) {
      try ConfigDecoder.attack(.sig, flags: [], run: "/nowhere")
    }
  }
}
