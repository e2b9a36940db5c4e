extension ConfigDecoder {
  /// The configuration of a defence on an attack's result; throws `ConfigError`.
  public static func defend(
    _ defence: DefenceName, flags: [ConfigArgument], defenceYAML: String? = nil
  ) throws -> DecodedConfiguration<DefendConfiguration> {
    let file = try defenceYAML.map {
      try ConfigLayer.defence(yaml: $0, isNamed: flags.contains { $0.key == "result" })
    }
    var decoded = try defend(
      defence, layers: [file?.layer].compactMap { $0 } + [ConfigLayer(flags: flags)])
    decoded.warnings += file?.warnings ?? []
    return decoded
  }

  /// The same from layers.
  static func defend(
    _ defence: DefenceName, layers: [ConfigLayer]
  ) throws -> DecodedConfiguration<DefendConfiguration> {
    let layers = try layers.map { try $0.renaming(tuneSynonyms) }
    let given = Set(layers.flatMap(\.settings).map(\.key))
    let trigger = AttackSettings.given(in: layers.last)
    guard given.contains("attack") || given.contains("result") && trigger.isEmpty else {
      throw ConfigError.missing(
        key: "attack", expected: ConfigField<TuneConfiguration>.oneOf(AttackName.self))
    }
    let other = AttackConfiguration.fields.map(\.key) + TuneConfiguration.fields.map(\.key)
    var decoded = try decode(
      DefendConfiguration(defence: defence), DefendConfiguration.fields, layers: layers,
      otherKeys: other)
    decoded.configuration.shared.appliesTrigger = !trigger.isEmpty
    decoded.configuration.shared.settings.givenKeys = AttackSettings.keys(in: layers)
    decoded.configuration.shared.keysOfArchive = TuneConfiguration.keysOfArchive.subtracting(
      given.contains("result") ? given : given.union(TuneConfiguration.keysOfFolder))
    decoded.configuration.shared.keysOfDataset = []
    try decoded.configuration.chosen.place(&decoded.configuration)
    if decoded.configuration.shared.syncBatchNorm { try refuseCompression(in: layers) }
    try requireDataset(decoded.configuration.shared.dataset, in: layers)
    decoded.warnings += foreignKeys(given, of: defence)
    decoded.warnings += idleWarnings(of: decoded.configuration.shared, in: layers)
    decoded.configuration.shared.arguments = arguments(
      decoded.configuration, DefendConfiguration.fields.filter { $0.concerns(defence.rawValue) },
      layers: layers)
    return decoded
  }

  /// A line on keys that other defences have alone.
  private static func foreignKeys(_ given: Set<String>, of defence: DefenceName) -> [String] {
    let foreign = DefenceSettings.fields
      .filter { given.contains($0.key) && !$0.concerns(defence.rawValue) }.map(\.key)
    let idle = PathAwareMinimization.idleKeys.filter {
      given.contains($0) && defence.rawValue == PathAwareMinimization.name
    }
    return [("", foreign), (", whose triggers nc reverses here", idle)].compactMap { why, keys in
      keys.isEmpty
        ? nil : "no effect on \(defence.rawValue)\(why): \(keys.joined(separator: ", "))"
    }
  }
}
