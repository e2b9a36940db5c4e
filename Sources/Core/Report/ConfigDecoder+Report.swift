extension ConfigDecoder {
  /// The configuration of a report of `runs`; throws `ConfigError`.
  public static func report(
    runs: [String], flags: [ConfigArgument]
  ) throws -> DecodedConfiguration<ReportConfiguration> {
    let layers = [ConfigLayer(flags: flags)]
    let decoded = try decode(
      ReportConfiguration(runs: runs), ReportConfiguration.fields, layers: layers, otherKeys: [])
    try requireDataset(decoded.configuration.evaluation.dataset, in: layers)
    return decoded
  }
}

extension ReportConfiguration {
  /// The flags of a report.
  public static let flags = ConfigField.flags(fields, defaults: Self(runs: []))
}
