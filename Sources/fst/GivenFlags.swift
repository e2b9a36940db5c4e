import ArgumentParser
import Core
import Distributed

extension AttackName: ExpressibleByArgument {}
extension NetworkKind: ExpressibleByArgument {}
extension LabelTransformName: ExpressibleByArgument {}
extension ScheduleName: ExpressibleByArgument {}
extension FineTuningMode: ExpressibleByArgument {}
extension TuningSplit: ExpressibleByArgument {}
extension ArchiveArrays: ExpressibleByArgument {}
extension ArchivePaths: ExpressibleByArgument {}
extension DefenseForm: ExpressibleByArgument {}
extension GradientCompression: ExpressibleByArgument {}
extension ConvolutionChoice: ExpressibleByArgument {}

/// The flags that were given, as settings under their keys; those left out stay out, so that YAML
/// files and defaults apply.
struct GivenFlags {
  private(set) var arguments: [ConfigArgument] = []

  mutating func add(_ key: String, _ value: Int?) { add(key, value.map { .integer($0) }) }
  mutating func add(_ key: String, _ value: Double?) { add(key, value.map { .real($0) }) }
  mutating func add(_ key: String, _ value: String?) { add(key, value.map { .text($0) }) }

  mutating func add(_ key: String, _ value: (some RawRepresentable<String>)?) {
    add(key, value.map { .text($0.rawValue) })
  }

  mutating func add(_ key: String, _ values: [Int]) {
    add(key, values.isEmpty ? nil : .list(values.map { .integer($0) }))
  }

  /// Adds `key` with the value `meaning` where the flag was given.
  mutating func add(_ key: String, flag: Bool, meaning: Bool = true) {
    add(key, flag ? .boolean(meaning) : nil)
  }

  /// Adds `key` with a word that is typed as a YAML file's is: a number, true, `none` or text.
  mutating func add(_ key: String, plain word: String?) {
    add(key, word.map { ConfigValue(plain: $0) })
  }

  private mutating func add(_ key: String, _ value: ConfigValue?) {
    if let value { arguments.append(ConfigArgument(key: key, value: value)) }
  }
}

extension NameSpecification {
  /// The flag `--<key>`, underscores and all, as users of the original tools type it.
  static func key(_ key: String) -> NameSpecification {
    NameSpecification(arrayLiteral: .customLong(key))
  }
}
