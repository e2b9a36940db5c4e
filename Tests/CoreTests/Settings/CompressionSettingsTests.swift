import Core
import Distributed
import Testing

@Suite struct CompressionSettingsTests {
  private static func arguments(_ values: [String: ConfigValue]) -> [ConfigArgument] {
    values.sorted { $0.key < $1.key }.map { ConfigArgument(key: $0.key, value: $0.value) }
  }

  /// What the three commands that train say of the same settings.
  private static func read(_ values: [String: ConfigValue]) throws -> [(PowerSGDSettings, [String])]
  {
    let flags = arguments(values)
    let attack = try ConfigDecoder.attack(.badnet, flags: flags)
    let named = flags + [ConfigArgument(key: "attack", value: .text("badnet"))]
    let tuning = try ConfigDecoder.tune(flags: named)
    let defence = try ConfigDecoder.defend(#require(DefenceName.allCases.first), flags: named)
    return [
      (attack.configuration.powerSGD, attack.warnings),
      (tuning.configuration.powerSGD, tuning.warnings),
      (defence.configuration.shared.powerSGD, defence.warnings),
    ]
  }

  @Test func rankAndStartAreRead() throws {
    for (settings, warnings) in try Self.read([
      "compress": .text("powersgd"), "powersgd_rank": .integer(4), "powersgd_start": .integer(0),
    ]) {
      #expect(settings == PowerSGDSettings(rank: 4, start: 0))
      #expect(!warnings.contains { $0.contains("powersgd") }, "\(warnings)")
    }
    for (settings, _) in try Self.read(["compress": .text("powersgd")]) {
      #expect(settings == PowerSGDSettings(rank: 2, start: 1000))
    }
  }

  @Test func withoutPowerSGDTheyAreToldToHaveNoEffect() throws {
    for compression in ["none", "fp16", "bf16"] {
      for (_, warnings) in try Self.read([
        "compress": .text(compression), "powersgd_rank": .integer(4),
      ]) {
        #expect(warnings.contains("no effect without compress powersgd: powersgd_rank"))
      }
    }
  }

  /// Two runs that differ in a setting without effect are the same run.
  @Test func withoutPowerSGDTheyAreNoPartOfARunsIdentity() throws {
    for (form, count) in [("bf16", 0), ("powersgd", 2)] {
      let configuration = try ConfigDecoder.attack(
        .badnet, flags: Self.arguments(["compress": .text(form)])
      ).configuration
      let keys = configuration.identity(worldSize: 2).settings.map(\.key)
      #expect(keys.filter { $0.hasPrefix("powersgd_") }.count == count)
      #expect(keys.contains("compress"))
    }
  }

  @Test(arguments: [0, 33]) func aRankOutOfRangeIsRefused(rank: Int) {
    #expect(
      throws: ConfigError.invalidValue(
        key: "powersgd_rank", origin: .flag, expected: "a whole number from 1 to 32",
        found: "\(rank)")
    ) {
      try ConfigDecoder.attack(
        .badnet, flags: Self.arguments(["powersgd_rank": .integer(rank)]))
    }
  }

  @Test(arguments: ["bf16", "powersgd"]) func sharedStatisticsRefuseAllForms(form: String) {
    #expect(
      throws: ConfigError.invalidValue(
        key: "compress", origin: .flag, expected: "'none' together with sync_bn",
        found: "'\(form)'")
    ) {
      try ConfigDecoder.attack(
        .badnet, flags: Self.arguments(["compress": .text(form), "sync_bn": .boolean(true)]))
    }
  }
}
