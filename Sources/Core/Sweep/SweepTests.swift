/// What tables call the tests of what tunings and defences have left.
enum SweepTests {
  /// The word in names of columns, such as `asr_retuned`.
  static func word(_ test: DefenceName) -> String {
    test == .ra ? "retuned" : "queried"
  }
}
