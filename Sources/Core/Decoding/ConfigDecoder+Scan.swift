extension ConfigDecoder {
  /// The configuration of a scan of `archive`, a file or the folder of a run or a defence;
  /// throws `ConfigError`.
  public static func scan(
    archive: String, flags: [ConfigArgument]
  ) throws -> DecodedConfiguration<ScanConfiguration> {
    let layers = [ConfigLayer(flags: flags)]
    let decoded = try decode(
      ScanConfiguration(archive: ArchivePlace.archive(at: archive)), ScanConfiguration.fields,
      layers: layers, otherKeys: [])
    try requireDataset(decoded.configuration.evaluation.dataset, in: layers)
    return decoded
  }
}

extension ScanConfiguration {
  /// The flags of a scan.
  public static let flags = ConfigField.flags(fields, defaults: Self(archive: ""))
}
