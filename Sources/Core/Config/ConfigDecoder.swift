import Distributed

/// A configuration, and what the user should be told about how it was read.
public struct DecodedConfiguration<Target: Sendable>: Sendable {
  /// The configuration, complete and checked.
  public var configuration: Target
  /// One line each.
  public var warnings: [String]
}

/// Turns layers of settings into one typed configuration: flags over the attack's YAML over the
/// prototype YAML over the defaults.
public enum ConfigDecoder {
  /// Keys of the original tools that a CPU run accepts and that change nothing in it.
  public static let ignoredKeys = [
    "amp", "device", "git_hash", "log", "non_blocking", "num_workers", "pin_memory", "prefetch",
    "prefetch_transform_attr_name",
  ]

  /// The configuration of an attack run; throws `ConfigError`.
  public static func attack(
    _ attack: AttackName, flags: [ConfigArgument], attackYAML: String? = nil,
    prototypeYAML: String? = nil
  ) throws -> DecodedConfiguration<AttackConfiguration> {
    let layers = try yamlLayers([prototypeYAML, attackYAML]) + [ConfigLayer(flags: flags)]
    var decoded = try self.attack(
      attack, layers: layers, otherKeys: TuneConfiguration.fields.map(\.key))
    decoded.configuration.arguments += ConfigArgument.paths(
      prototypeYAML: prototypeYAML, attackYAML: attackYAML)
    return decoded
  }

  /// The same from layers; keys of `otherKeys` are no mistake.
  static func attack(
    _ attack: AttackName, layers: [ConfigLayer], otherKeys: [String]
  ) throws -> DecodedConfiguration<AttackConfiguration> {
    try checkAttack(attack, in: layers)
    var decoded = try decode(
      AttackConfiguration(attack: attack), AttackConfiguration.fields, layers: layers,
      otherKeys: otherKeys)
    if decoded.configuration.syncBatchNorm { try refuseCompression(in: layers) }
    decoded.configuration.arguments =
      arguments(decoded.configuration, AttackConfiguration.fields, layers: layers)
    return decoded
  }

  /// The configuration of a tuning run; throws `ConfigError`.
  public static func tune(
    flags: [ConfigArgument], attackYAML: String? = nil, prototypeYAML: String? = nil
  ) throws -> DecodedConfiguration<TuneConfiguration> {
    let layers = try yamlLayers([prototypeYAML, attackYAML]) + [ConfigLayer(flags: flags)]
    var decoded = try tune(layers: layers, otherKeys: AttackConfiguration.fields.map(\.key))
    decoded.configuration.arguments += ConfigArgument.paths(
      prototypeYAML: prototypeYAML, attackYAML: attackYAML)
    return decoded
  }

  /// The same from layers; keys of `otherKeys` are no mistake.
  static func tune(
    layers: [ConfigLayer], otherKeys: [String]
  ) throws -> DecodedConfiguration<TuneConfiguration> {
    let given = Set(layers.flatMap(\.settings).map(\.key))
    let trigger = AttackTrigger.given(in: layers.last)
    guard given.contains("attack") || given.contains("result") && trigger.isEmpty else {
      throw ConfigError.missing(
        key: "attack", expected: ConfigField<TuneConfiguration>.oneOf(AttackName.self))
    }
    var decoded = try decode(
      TuneConfiguration(attack: nil), TuneConfiguration.fields, layers: layers,
      otherKeys: otherKeys)
    decoded.configuration.appliesTrigger = !trigger.isEmpty
    decoded.configuration.keysOfArchive = TuneConfiguration.keysOfArchive.subtracting(
      given.contains("result") ? given : given.union(TuneConfiguration.keysOfFolder))
    decoded.warnings += AttackTrigger.warnings(trigger, for: decoded.configuration.attack)
    if decoded.configuration.initialLearningRate != nil {
      decoded.warnings.append("initlr has no effect: the published script reads it nowhere either")
    }
    if decoded.configuration.mode == .fst, decoded.configuration.labelSmoothing != nil {
      decoded.warnings.append(
        "lb_smooth takes the place of the feature-shift penalty, as in the published script")
    }
    if decoded.configuration.syncBatchNorm { try refuseCompression(in: layers) }
    decoded.configuration.arguments =
      arguments(decoded.configuration, TuneConfiguration.fields, layers: layers)
    return decoded
  }

  /// The configuration of an evaluation of `archive`; throws `ConfigError`.
  public static func evaluate(
    archive: String, flags: [ConfigArgument]
  ) throws -> DecodedConfiguration<EvaluateConfiguration> {
    try withTrigger(\.attack, flags: flags) {
      try decode(
        EvaluateConfiguration(archive: archive), EvaluateConfiguration.fields,
        layers: [ConfigLayer(flags: flags)], otherKeys: [])
    }
  }

  /// The configuration of a sheet of `archives`; throws `ConfigError`.
  public static func featureSheet(
    archives: [String], flags: [ConfigArgument]
  ) throws -> DecodedConfiguration<FeatureSheetConfiguration> {
    try withTrigger(\.evaluation.attack, flags: flags) {
      try decode(
        FeatureSheetConfiguration(archives: archives), FeatureSheetConfiguration.fields,
        layers: [ConfigLayer(flags: flags)], otherKeys: [])
    }
  }

  private static func yamlLayers(_ paths: [String?]) throws -> [ConfigLayer] {
    try paths.compactMap { $0 }.map { try ConfigLayer(yaml: $0) }
  }

  /// Applies the layers in order, so that the last one wins; every setting is checked, even one
  /// that a later layer overrides.
  static func decode<Target>(
    _ defaults: Target, _ fields: [ConfigField<Target>], layers: [ConfigLayer], otherKeys: [String]
  ) throws -> DecodedConfiguration<Target> {
    var target = defaults
    var ignored: Set<String> = []
    var foreign: Set<String> = []
    for setting in try withOneBatchSize(layers) {
      if let field = fields.first(where: { $0.key == setting.key }) {
        guard field.assign(setting.value, &target) else {
          throw ConfigError.invalidValue(
            key: setting.key, origin: setting.origin, expected: field.expected,
            found: setting.value.description)
        }
      } else if ignoredKeys.contains(setting.key) {
        ignored.insert(setting.key)
      } else if otherKeys.contains(setting.key) {
        foreign.insert(setting.key)
      } else {
        throw ConfigError.unknownKey(
          setting.key, origin: setting.origin,
          nearest: NearestKey.of(setting.key, among: fields.map(\.key) + ignoredKeys))
      }
    }
    let warnings = [
      warning(ignored, "no effect on a CPU"), warning(foreign, "no effect on this command"),
    ]
    return DecodedConfiguration(configuration: target, warnings: warnings.compactMap { $0 })
  }

  /// All settings in order, without a batch size that a later layer gives in its other form.
  private static func withOneBatchSize(_ layers: [ConfigLayer]) throws -> [ConfigSetting] {
    let forms = ["batch_size", "batch_size_per_rank"]
    var result: [ConfigSetting] = []
    for layer in layers {
      let given = layer.settings.filter { forms.contains($0.key) }
      if given.count > 1 {
        throw ConfigError.invalidValue(
          key: given[1].key, origin: given[1].origin, expected: "one form of the batch size",
          found: "\(forms[0]) and \(forms[1])")
      }
      if !given.isEmpty { result.removeAll { forms.contains($0.key) } }
      result += layer.settings
    }
    return result
  }

  /// The sums of `sync_bn` do not depend on the ranks, and rounding for the way would make them.
  private static func refuseCompression(in layers: [ConfigLayer]) throws {
    let none = ConfigValue.text(GradientCompression.none.rawValue)
    guard let given = layers.flatMap(\.settings).last(where: { $0.key == "compress" }),
      given.value != none
    else { return }
    throw ConfigError.invalidValue(
      key: given.key, origin: given.origin, expected: "\(none) together with sync_bn",
      found: given.value.description)
  }

  private static func warning(_ keys: Set<String>, _ reason: String) -> String? {
    keys.isEmpty ? nil : "\(reason): \(keys.sorted().joined(separator: ", "))"
  }

  /// A YAML file of another attack is a mistake that would go unnoticed for hours.
  private static func checkAttack(_ attack: AttackName, in layers: [ConfigLayer]) throws {
    for setting in layers.flatMap(\.settings)
    where setting.key == "attack" && setting.value != .text(attack.rawValue) {
      throw ConfigError.invalidValue(
        key: "attack", origin: setting.origin,
        expected: "'\(attack.rawValue)', the attack of the command",
        found: setting.value.description)
    }
  }

  /// What was given, in the order read and with the value that won, then the defaults that apply.
  private static func arguments<Target>(
    _ target: Target, _ fields: [ConfigField<Target>], layers: [ConfigLayer]
  ) -> [ConfigArgument] {
    var result: [ConfigArgument] = []
    for setting in layers.flatMap(\.settings) {
      if let earlier = result.firstIndex(where: { $0.key == setting.key }) {
        result[earlier].value = setting.value
      } else {
        result.append(ConfigArgument(key: setting.key, value: setting.value))
      }
    }
    for field in fields where !result.contains(where: { $0.key == field.key }) {
      let value = field.value(target)
      if value != .null { result.append(ConfigArgument(key: field.key, value: value)) }
    }
    return result
  }
}

extension ConfigArgument {
  /// The YAML files that were given, under the flags that give them.
  fileprivate static func paths(prototypeYAML: String?, attackYAML: String?) -> [ConfigArgument] {
    [("yaml_path", prototypeYAML), ("bd_yaml_path", attackYAML)].compactMap { key, path in
      path.map { ConfigArgument(key: key, value: .text($0)) }
    }
  }
}
