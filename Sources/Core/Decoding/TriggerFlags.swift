// Flags of a trigger, where it is applied anew to test images: they need an attack to be flags of.

extension AttackSettings {
  /// The settings by which triggers are applied anew, as evaluations have them too.
  private static let tables = AttackSettingsTable.all(in: TuneConfiguration.fields)

  /// Those settings that are flags of `layer`.
  static func given(in layer: ConfigLayer?) -> [String] {
    let keys = tables.flatMap(\.settings).map(\.key)
    return (layer?.settings ?? []).filter { $0.origin == .flag }.map(\.key).filter(keys.contains)
  }

  /// Those settings that any of `layers` gives.
  static func keys(in layers: [ConfigLayer]) -> Set<String> {
    Set(layers.flatMap(\.settings).map(\.key))
      .intersection(tables.flatMap(\.settings).map(\.key))
  }

  /// What the user should know of `given` keys that are none of `attack`.
  static func warnings(_ given: [String], for attack: AttackName?) -> [String] {
    guard let attack else { return [] }
    let own = tables.first { $0.attack == attack.rawValue }?.settings.map(\.key) ?? []
    let foreign = given.filter { !own.contains($0) }
    return foreign.isEmpty
      ? [] : ["no effect on \(attack.rawValue): \(foreign.joined(separator: ", "))"]
  }
}

extension ConfigDecoder {
  /// What `decode` yields; throws `ConfigError` where a trigger's setting is given but no attack.
  static func withTrigger<Target>(
    _ attack: KeyPath<Target, AttackName?>, flags: [ConfigArgument],
    _ decode: () throws -> DecodedConfiguration<Target>
  ) throws -> DecodedConfiguration<Target> {
    var decoded = try decode()
    let given = AttackSettings.given(in: ConfigLayer(flags: flags))
    let name = decoded.configuration[keyPath: attack]
    if let first = given.first, name == nil {
      throw ConfigError.invalidValue(
        key: first, origin: .flag, expected: "--attack too, whose trigger is then applied anew",
        found: "none")
    }
    decoded.warnings += AttackSettings.warnings(given, for: name)
    return decoded
  }
}
