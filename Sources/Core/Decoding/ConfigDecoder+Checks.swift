import Distributed

// What settings have to be together, beside what each has to be by itself.

extension ConfigDecoder {
  /// The sums of `sync_bn` do not depend on the ranks, and rounding for the way would make them.
  static func refuseCompression(in layers: [ConfigLayer]) throws {
    let none = ConfigValue.text(GradientCompression.none.rawValue)
    guard let given = layers.flatMap(\.settings).last(where: { $0.key == "compress" }),
      given.value != none
    else { return }
    throw ConfigError.invalidValue(
      key: given.key, origin: given.origin, expected: "\(none) together with sync_bn",
      found: given.value.description)
  }

  /// A YAML file of another attack is a mistake that would go unnoticed for hours.
  static func checkAttack(_ attack: AttackName, in layers: [ConfigLayer]) throws {
    for setting in layers.flatMap(\.settings)
    where setting.key == "attack" && setting.value != .text(attack.rawValue) {
      throw ConfigError.invalidValue(
        key: "attack", origin: setting.origin,
        expected: "'\(attack.rawValue)', the attack of the command",
        found: setting.value.description)
    }
  }

  /// A clean-label attack poisons images of the target class and leaves every label as it is.
  static func refuseRelabelling(
    by configuration: AttackConfiguration, in layers: [ConfigLayer]
  ) throws {
    let attack = configuration.settings.chosen
    guard attack.keepsLabels, configuration.labelTransform != .all2one else { return }
    throw invalid(
      "attack_label_trans", in: layers,
      expected:
        "'all2one', since \(configuration.attack.rawValue) is a clean-label attack, which changes no label",
      found: ConfigValue.text(configuration.labelTransform.rawValue))
  }

  /// Throws where no dataset is called `name`; nil is none that was given.
  static func requireDataset(_ name: String?, in layers: [ConfigLayer]) throws {
    guard let name, Datasets.named(name) == nil else { return }
    throw invalid(
      "dataset", in: layers, expected: "one of \(Datasets.names)",
      found: ConfigValue.text(name))
  }

  /// Throws where `target` is no class of a dataset whose classes are known beforehand.
  static func requireTarget(
    _ target: Int, _ transform: LabelTransformName, of dataset: String, in layers: [ConfigLayer]
  ) throws {
    guard transform == .all2one, let count = Datasets.named(dataset)?.classCount, target >= count
    else { return }
    throw invalid(
      "attack_target", in: layers, expected: "a class of \(dataset), 0 to \(count - 1)",
      found: ConfigValue.integer(target))
  }

  /// The error of the setting under `key` that won.
  private static func invalid(
    _ key: String, in layers: [ConfigLayer], expected: String, found: ConfigValue
  ) -> ConfigError {
    let given = layers.flatMap(\.settings).last { $0.key == key }
    return .invalidValue(
      key: key, origin: given?.origin ?? .flag, expected: expected, found: found.description)
  }

  /// What is allowed and rarely meant.
  static func warnings(
    of configuration: some TrainingConfiguration, in layers: [ConfigLayer]
  ) -> [String] {
    (configuration.learningRate == 0 ? ["lr is 0: no weight will change"] : [])
      + idleWarnings(of: configuration, in: layers)
  }

  /// Lines on settings that have no effect, or another than is likely meant, beside others.
  static func idleWarnings(
    of configuration: some TrainingConfiguration, in layers: [ConfigLayer]
  ) -> [String] {
    let idle = configuration.idlePowerSGDKeys
    let given = Set(layers.flatMap(\.settings).map(\.key)).intersection(idle)
    var lines =
      given.isEmpty
      ? [] : ["no effect without compress powersgd: \(given.sorted().joined(separator: ", "))"]
    if configuration.syncBatchNorm, configuration.accumulationSteps > 1 {
      lines.append(
        "sync_bn with accumulation_steps \(configuration.accumulationSteps): each part takes the "
          + "statistics of its own images, so results depend on the number of ranks")
    }
    if configuration.convolution == .im2col, configuration.precision != .float32 {
      lines.append("no effect with convolution im2col: precision; patches multiply floats")
    }
    return lines
  }
}
