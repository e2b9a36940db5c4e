// Flags of a trigger, where it is applied anew to test images: they need an attack to be flags of.

extension AttackTrigger {
  /// The keys of a trigger's settings and the attacks that have them.
  private static let keys: [(key: String, attacks: [AttackName])] = [
    ("patch_mask_path", [.badnet]), ("attack_trigger_img_path", [.blended, .trojannn]),
    ("attack_test_blended_alpha", [.blended]), ("sig_delta", [.sig]), ("sig_f", [.sig]),
  ]

  /// Those of the keys that are flags of `layer`.
  static func given(in layer: ConfigLayer?) -> [String] {
    let flags = (layer?.settings ?? []).filter { $0.origin == .flag }.map(\.key)
    return keys.map(\.key).filter(flags.contains)
  }

  /// What the user should know of `given` keys that are none of `attack`.
  static func warnings(_ given: [String], for attack: AttackName?) -> [String] {
    guard let attack else { return [] }
    let foreign = keys.filter { given.contains($0.key) && !$0.attacks.contains(attack) }
    return foreign.isEmpty
      ? []
      : ["no effect on \(attack.rawValue): \(foreign.map(\.key).joined(separator: ", "))"]
  }
}

extension ConfigDecoder {
  /// What `decode` yields; throws `ConfigError` where a trigger's setting is given but no attack.
  static func withTrigger<Target>(
    _ attack: KeyPath<Target, AttackName?>, flags: [ConfigArgument],
    _ decode: () throws -> DecodedConfiguration<Target>
  ) throws -> DecodedConfiguration<Target> {
    var decoded = try decode()
    let given = AttackTrigger.given(in: ConfigLayer(flags: flags))
    let name = decoded.configuration[keyPath: attack]
    if let first = given.first, name == nil {
      throw ConfigError.invalidValue(
        key: first, origin: .flag, expected: "--attack too, whose trigger is then applied anew",
        found: "none")
    }
    decoded.warnings += AttackTrigger.warnings(given, for: name)
    return decoded
  }
}
