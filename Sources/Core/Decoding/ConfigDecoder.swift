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
  public static let ignoredKeys = SettingFlag.ignored.map(\.key)

  /// Keys of the original tools that mean nothing here while they are empty, and why nothing else.
  static let emptyKeys = [
    "checkpoint_load": "nothing; what is tuned is named by --result",
    "checkpoint_save": "nothing; --save writes to defense/<mode>/ in the attack's folder",
    "teacher_model_loc": "nothing; the teacher is the attacked model, fine-tuned first",
  ]

  /// BackdoorBench's names in defences' files for keys of `fst tune`.
  static let tuneSynonyms = Dictionary(
    uniqueKeysWithValues: TuneConfiguration.fields.flatMap { field in
      field.words.synonyms.map { ($0.key, field.key) }
    })

  /// The configuration of an attack run; throws `ConfigError`.
  ///
  /// What the run in the folder `run` has noted lies below all else; throws `ArchiveError` where it
  /// cannot be read.
  public static func attack(
    _ attack: AttackName, flags: [ConfigArgument], attackYAML: String? = nil,
    prototypeYAML: String? = nil, run: String? = nil
  ) throws -> DecodedConfiguration<AttackConfiguration> {
    let layers =
      try (run.map { [try ConfigLayer(run: $0)] } ?? [])
      + yamlLayers([prototypeYAML, attackYAML]) + [ConfigLayer(flags: flags)]
    var decoded = try self.attack(
      attack, layers: layers,
      otherKeys: TuneConfiguration.fields.map(\.key) + tuneSynonyms.keys)
    decoded.configuration.arguments += ConfigArgument.paths(
      prototypeYAML: prototypeYAML, attackYAML: attackYAML)
    if let run { decoded.configuration.setFolder(run) }
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
    try refuseRelabelling(by: decoded.configuration, in: layers)
    try requireDataset(decoded.configuration.dataset, in: layers)
    try requireTarget(
      decoded.configuration.attackTarget, decoded.configuration.labelTransform,
      of: decoded.configuration.dataset, in: layers)
    if !layers.flatMap(\.settings).contains(where: { $0.key == "split_ratio" }) {
      decoded.configuration.splitRatio =
        Datasets.known(decoded.configuration.dataset).tuning.splitRatio
    }
    decoded.warnings += warnings(of: decoded.configuration, in: layers)
    decoded.configuration.arguments =
      arguments(decoded.configuration, AttackConfiguration.fields, layers: layers)
    return decoded
  }

  /// The configuration of a tuning run; throws `ConfigError`.
  public static func tune(
    flags: [ConfigArgument], attackYAML: String? = nil, prototypeYAML: String? = nil
  ) throws -> DecodedConfiguration<TuneConfiguration> {
    // `defend ft` is handed a defence's file as that of the attack.
    let file = try attackYAML.map {
      try ConfigLayer.defence(yaml: $0, isNamed: flags.contains { $0.key == "result" })
    }
    let layers =
      try yamlLayers([prototypeYAML]) + [file?.layer].compactMap { $0 }
      + [ConfigLayer(flags: flags)]
    var decoded = try tune(layers: layers, otherKeys: AttackConfiguration.fields.map(\.key))
    decoded.warnings += file?.warnings ?? []
    decoded.configuration.arguments += ConfigArgument.paths(
      prototypeYAML: prototypeYAML, attackYAML: attackYAML)
    return decoded
  }

  /// The same from layers; keys of `otherKeys` are no mistake.
  static func tune(
    layers: [ConfigLayer], otherKeys: [String]
  ) throws -> DecodedConfiguration<TuneConfiguration> {
    let layers = try layers.map { try $0.renaming(tuneSynonyms) }
    let given = Set(layers.flatMap(\.settings).map(\.key))
    let trigger = AttackSettings.given(in: layers.last)
    guard given.contains("attack") || given.contains("result") && trigger.isEmpty else {
      throw ConfigError.missing(
        key: "attack", expected: ConfigField<TuneConfiguration>.oneOf(AttackName.self))
    }
    var decoded = try decode(
      TuneConfiguration(attack: nil), TuneConfiguration.fields, layers: layers,
      otherKeys: otherKeys)
    decoded.configuration.appliesTrigger = !trigger.isEmpty
    decoded.configuration.settings.givenKeys = AttackSettings.keys(in: layers)
    decoded.configuration.keysOfArchive = TuneConfiguration.keysOfArchive.subtracting(
      given.contains("result") ? given : given.union(TuneConfiguration.keysOfFolder))
    decoded.warnings += AttackSettings.warnings(trigger, for: decoded.configuration.attack)
    if decoded.configuration.initialLearningRate != nil {
      decoded.warnings.append("initlr has no effect: the published script reads it nowhere either")
    }
    if decoded.configuration.mode == .fst, decoded.configuration.labelSmoothing != nil {
      decoded.warnings.append(
        "lb_smooth takes the place of the feature-shift penalty, as in the published script")
    }
    if decoded.configuration.mode == .fst, decoded.configuration.alpha < 0 {
      decoded.warnings.append(
        "alpha is negative: the new head is drawn to the old one instead of pushed away from it")
    }
    if decoded.configuration.syncBatchNorm { try refuseCompression(in: layers) }
    try requireDataset(decoded.configuration.dataset, in: layers)
    decoded.configuration.keysOfDataset = TuneConfiguration.keysOfDataset.subtracting(given)
    decoded.configuration.takeDefaultsOfDataset()
    if !decoded.configuration.keysOfArchive.contains("dataset") {
      try requireTarget(
        decoded.configuration.attackTarget, decoded.configuration.labelTransform,
        of: decoded.configuration.dataset, in: layers)
    }
    decoded.warnings += warnings(of: decoded.configuration, in: layers)
    decoded.configuration.arguments =
      arguments(decoded.configuration, TuneConfiguration.fields, layers: layers)
    return decoded
  }

  /// The configuration of an evaluation of `archive`, a file or the folder of a run or a defence;
  /// throws `ConfigError`.
  public static func evaluate(
    archive: String, flags: [ConfigArgument]
  ) throws -> DecodedConfiguration<EvaluateConfiguration> {
    let layers = [ConfigLayer(flags: flags)]
    return try withTrigger(\.attack, flags: flags) {
      var decoded = try decode(
        EvaluateConfiguration(archive: ArchivePlace.archive(at: archive)),
        EvaluateConfiguration.fields, layers: layers, otherKeys: [])
      decoded.configuration.settings.givenKeys = AttackSettings.keys(in: layers)
      try requireDataset(decoded.configuration.dataset, in: layers)
      return decoded
    }
  }

  /// The configuration of a sheet of `archives`, files or folders; throws `ConfigError`.
  public static func featureSheet(
    archives: [String], flags: [ConfigArgument]
  ) throws -> DecodedConfiguration<FeatureSheetConfiguration> {
    let fields = FeatureSheetConfiguration.fields
    return try withTrigger(\.evaluation.attack, flags: flags) {
      let layers = [ConfigLayer(flags: flags)]
      var decoded = try decode(
        FeatureSheetConfiguration(archives: archives.map(ArchivePlace.archive)), fields,
        layers: layers, otherKeys: [])
      decoded.configuration.evaluation.settings.givenKeys = AttackSettings.keys(in: layers)
      if decoded.configuration.output.isEmpty {
        let expected = fields.first { $0.key == "out" }?.expected ?? ""
        throw ConfigError.missing(key: "out", expected: expected)
      }
      return decoded
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
    let settings = try withOneBatchSize(layers)
    for (position, setting) in settings.enumerated() {
      if let field = fields.first(where: { $0.key == setting.key }) {
        if unsets(field, setting, defaults) { continue }
        let isUnset = settings[position...].contains { unsets(field, $0, defaults) }
        var checked = isUnset ? defaults : target
        guard field.assign(setting.value, &checked) else {
          throw ConfigError.invalidValue(
            key: setting.key, origin: setting.origin, expected: field.expected,
            found: setting.value.description)
        }
        if !isUnset { target = checked }
      } else if let expected = emptyKeys[setting.key] {
        try requireEmpty(setting, expected)
      } else if ignoredKeys.contains(setting.key) {
        if setting.value != .null { ignored.insert(setting.key) }
      } else if otherKeys.contains(setting.key) {
        foreign.insert(setting.key)
      } else {
        throw ConfigError.unknownKey(
          setting.key, origin: setting.origin,
          nearest: NearestKey.of(
            setting.key, among: fields.map(\.key) + ignoredKeys + Array(emptyKeys.keys)))
      }
    }
    let warnings = [
      warning(ignored, "no effect on a CPU"), warning(foreign, "no effect on this command"),
    ]
    return DecodedConfiguration(configuration: target, warnings: warnings.compactMap { $0 })
  }

  /// Whether `setting` takes back what earlier layers say of `field`: nothing, or `none`, for a
  /// setting that may stay unset and has no meaning of its own for it.
  private static func unsets<Target>(
    _ field: ConfigField<Target>, _ setting: ConfigSetting, _ defaults: Target
  ) -> Bool {
    guard setting.key == field.key, setting.value == .null else { return false }
    var target = defaults
    let isMeaning = field.assign(.null, &target)
    return field.key == "lb_smooth" || field.value(defaults) == .null && !isMeaning
  }

  private static func requireEmpty(_ setting: ConfigSetting, _ expected: String) throws {
    guard setting.value == .null || setting.value == .text("") else {
      throw ConfigError.invalidValue(
        key: setting.key, origin: setting.origin, expected: expected,
        found: setting.value.description)
    }
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

  private static func warning(_ keys: Set<String>, _ reason: String) -> String? {
    keys.isEmpty ? nil : "\(reason): \(keys.sorted().joined(separator: ", "))"
  }

  /// What was given, in the order read and with the value that won, then the defaults that apply.
  static func arguments<Target>(
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
