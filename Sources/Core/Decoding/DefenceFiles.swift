// BackdoorBench's files of defences' settings, config/defense/<name>/<dataset>.yaml, as they are.

extension ConfigLayer {
  /// What its files call keys of ours.
  private static let otherNames = ["data_root": "dataset_path", "cos_t_max": "cosine_t_max"]

  /// Keys that stand in its files and that its defences read nowhere, or that the archive answers.
  private static let idle: Set = [
    "num_classes", "input_height", "input_width", "input_channel", "poison_rate", "target_type",
    "target_label", "trigger_type", "frequency_save", "momentum", "weight_decay",
    "optim", "bs", "to_file", "cleaning_ratio", "train_mode", "print_freq", "threshold_clean",
    "threshold_bad",
  ]

  /// The settings of a defence's file, and lines on what of it has no effect.
  ///
  /// Its files name a network for every defence; where an archive `isNamed`, that says which it is.
  static func defence(
    yaml path: String, isNamed: Bool
  ) throws -> (layer: ConfigLayer, warnings: [String]) {
    var layer = try ConfigLayer(yaml: path).renaming(otherNames)
    let given = layer.settings
    layer.settings.removeAll { idle.contains($0.key) || isNamed && $0.key == "model" }
    let left = given.filter { setting in
      setting.value != .null && !layer.settings.contains { $0.key == setting.key }
    }.map(\.key)
    return (
      layer, left.isEmpty ? [] : ["no effect, of \(path): \(left.joined(separator: ", "))"]
    )
  }
}
