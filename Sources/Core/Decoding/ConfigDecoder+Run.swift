// What a run has noted of its settings, as the lowest layer of a command that looks at it again.

extension ConfigLayer {
  /// The settings that decide a trigger, as the run in `folder` has noted them in its `info.pickle`.
  ///
  /// Throws `ArchiveError` where that cannot be read.
  init(run folder: String) throws {
    let path = PathText.join(folder, "info.pickle")
    let known = AttackConfiguration.fields.filter { field in
      field.key == "random_seed" || [.data, .run, .attack].contains(field.words.section)
    }.filter { $0.role != .output }.map(\.key)
    var noted: [ConfigSetting] = []
    for (line, entry) in try InfoFile.read(path: path).enumerated() {
      guard let key = entry.key.text, known.contains(key), let value = ConfigValue(entry.value)
      else { continue }
      noted.removeAll { $0.key == key }
      noted.append(
        ConfigSetting(key: key, value: value, origin: .file(path, line: line + 1)))
    }
    self.init(flags: [])
    settings = noted
  }
}

extension AttackConfiguration {
  /// Sets the run's folder to `path`, wherever it is.
  mutating func setFolder(_ path: String) {
    (record, saveFolderName) = (PathText.folder(of: path), PathText.name(of: path))
  }
}
