extension TuneConfiguration {
  /// Keys that the archive decides where they are not given.
  static let keysOfArchive = keysOfFolder.union(["dataset_path", "attack_label_trans"])
  /// Those of them that name the attack's folder, where no archive is given.
  static let keysOfFolder: Set<String> = ["attack", "dataset", "attack_target", "model"]

  /// The same with the archive's values under keys that were not given.
  func completed(by description: AttackedModel.Description) -> TuneConfiguration {
    var result = self
    func take(_ key: String, _ value: (inout TuneConfiguration) -> Void) {
      if keysOfArchive.contains(key) { value(&result) }
    }
    take("attack") { $0.attack = description.attack.flatMap(AttackName.init(rawValue:)) }
    take("dataset") { $0.dataset = description.cleanData ?? $0.dataset }
    if result.dataset != dataset { result.takeDefaultsOfDataset() }
    take("dataset_path") {
      $0.datasetPath = description.dataPath(
        given: nil, archive: archivePath, usual: resultPath == nil ? datasetPath : nil)
    }
    result.pixelStatistics = pixelStatistics.completed(by: description.pixelStatistics)
    take("attack_target") { $0.attackTarget = description.target ?? $0.attackTarget }
    take("model") { $0.model = NetworkKind(rawValue: description.modelName) ?? $0.model }
    take("attack_label_trans") {
      if description.hasTriggeredImages { $0.labelTransform = description.labelTransform }
    }
    result.arguments = arguments(of: result)
    return result
  }

  /// `arguments` with the values of `completed` under the keys that the archive or its dataset
  /// decides.
  private func arguments(of completed: TuneConfiguration) -> [ConfigArgument] {
    var result = arguments
    let keys = keysOfArchive.union(keysOfDataset)
    for field in Self.fields where keys.contains(field.key) {
      let value = field.value(completed)
      if let index = result.firstIndex(where: { $0.key == field.key }) {
        result[index].value = value
      } else if value != .null && !arguments.isEmpty {
        result.append(ConfigArgument(key: field.key, value: value))
      }
    }
    return result
  }
}
