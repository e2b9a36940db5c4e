import ArgumentParser
import Core
import Distributed

extension AttackName: ExpressibleByArgument {}

extension AttackName {
  /// The attack that a word of the command line names.
  @Sendable static func named(_ word: String) throws -> AttackName {
    if let name = AttackName(rawValue: word) { return name }
    let known = allCases.map(\.rawValue)
    let nearest = NearestKey.of(word, among: known).map { "; did you mean '\($0)'?" } ?? ""
    throw ValidationError(
      "<attack>: expected one of \(known.joined(separator: ", ")), found '\(word)'\(nearest)")
  }
}
extension NetworkKind: ExpressibleByArgument {}
extension GradientCompression: ExpressibleByArgument {}
extension PrecisionChoice: ExpressibleByArgument {}

extension NameSpecification {
  /// The flag `--<key>`, underscores and all, as users of the original tools type it.
  static func key(_ key: String) -> NameSpecification {
    NameSpecification(arrayLiteral: .customLong(key))
  }
}

/// YAML files, by the original tools' flags.
struct YAMLOptions: ParsableArguments {
  @Option(
    name: .key("yaml_path"),
    help: ArgumentHelp(
      "Settings of data, model and training; flags and the attack's YAML override it.",
      valueName: "file"))
  var prototype: String?

  @Option(
    name: .key("bd_yaml_path"),
    help: ArgumentHelp("Settings of the attack; flags override it.", valueName: "file"))
  var attack: String?
}

/// The form of the result.
struct OutputOptions: ParsableArguments {
  @Flag(name: .key("json"), help: "The result as one JSON object in the last line of output.")
  var json = false
}
