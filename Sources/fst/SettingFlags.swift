import ArgumentParser
import Core

// Note [Flags from tables]
//
// The parser finds a type's options by reflecting an empty value, and reads them by decoding one.
// Both can be answered from a table at run time: `customMirror` shows an option for each flag of
// the table, and `init(from:)` decodes the same ones. So a setting is declared once, in its table,
// and parsing, messages, help and completions are still the parser's.
//
// A title in the help belongs to a group of options, and a group to a type; the n-th part of a
// table is the type `FlagPart<Table, n>`, n being written `After<After<…First>>`.

/// A command's flags.
protocol FlagTable {
  /// All of them, by the sections of the help.
  static var sections: [FlagSection] { get }
}

/// The flags below one title of the help.
struct FlagSection: Sendable {
  let title: String
  var flags: [SettingFlag]

  /// The sections of `flags`, of which those of one section stand together.
  static func all(of flags: [SettingFlag]) -> [FlagSection] {
    flags.reduce(into: []) { sections, flag in
      if sections.last?.title != flag.section {
        sections.append(FlagSection(title: flag.section, flags: []))
      }
      sections[sections.count - 1].flags.append(flag)
    }
  }
}

/// The flags of a table that were given, as settings under their keys.
///
/// Those left out stay out, so that YAML files and defaults apply.
struct SettingFlags<Table: FlagTable>: ParsableArguments, CustomReflectable {
  /// The settings, in the table's order.
  private(set) var arguments: [ConfigArgument] = []

  init() {}

  /// Adds what was given in another way.
  mutating func add(_ argument: ConfigArgument) { arguments.append(argument) }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: FlagKey.self)
    arguments = try Self.parts(from: First.self).flatMap { try $0.arguments(container) }
  }

  var customMirror: Mirror {
    Mirror(self, children: Self.parts(from: First.self).map { ($0.title, $0.option) })
  }

  /// A part of the table: its title, and how the parser sees and reads it.
  private struct Part {
    let title: String
    let option: Any
    let arguments: (KeyedDecodingContainer<FlagKey>) throws -> [ConfigArgument]
  }

  private static func parts<P: Place>(from _: P.Type) -> [Part] {
    guard let title = FlagPart<Table, P>.section?.title else { return [] }
    let part = Part(
      title: title, option: OptionGroup<FlagPart<Table, P>>(title: title),
      arguments: {
        try $0.decode(OptionGroup<FlagPart<Table, P>>.self, forKey: FlagKey(title))
          .wrappedValue.arguments
      })
    return [part] + parts(from: After<P>.self)
  }
}

/// The flags of one section.
private struct FlagPart<Table: FlagTable, P: Place>: ParsableArguments, CustomReflectable {
  var arguments: [ConfigArgument] = []

  init() {}

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: FlagKey.self)
    arguments = try (Self.section?.flags ?? []).compactMap { flag in
      try flag.words(in: container).map { ConfigArgument(key: flag.key, value: flag.value($0)) }
    }
  }

  var customMirror: Mirror {
    Mirror(self, children: (Self.section?.flags ?? []).map { ($0.names[0], $0.option) })
  }

  /// The section; nil behind the last one.
  static var section: FlagSection? {
    P.index < Table.sections.count ? Table.sections[P.index] : nil
  }
}

extension SettingFlag {
  /// What the parser takes for the declaration of this flag.
  fileprivate var option: Any {
    let described = ArgumentHelp(help, valueName: valueName)
    return switch form {
    case .wholes:
      Option<[String]>(
        wrappedValue: [], name: specification, parsing: .upToNextOption, help: described)
    case .off: Flag<Bool>(wrappedValue: false, name: specification, help: described)
    case .truth, .truthOrWord:
      Option<String?>(name: specification, defaultAsFlag: "true", parsing: .next, help: described)
    default: Option<String?>(name: specification, help: described, completion: completion)
    }
  }

  /// What a shell offers after it; nil is nothing.
  private var completion: CompletionKind? {
    if !choices.isEmpty { return .list(choices) }
    if key == "dataset" { return .list(Datasets.all.map(\.name)) }
    if valueName == "folder" { return .directory }
    return ["file", "archive"].contains { valueName.hasPrefix($0) } ? .file() : nil
  }

  /// The words after this flag; none of one that stands alone, nil where it is not given.
  fileprivate func words(in container: KeyedDecodingContainer<FlagKey>) throws -> [String]? {
    let key = FlagKey(names[0])
    switch form {
    case .wholes:
      let words = try container.decode(Option<[String]>.self, forKey: key).wrappedValue
      return words.isEmpty ? nil : words
    case .off: return try container.decode(Flag<Bool>.self, forKey: key).wrappedValue ? [] : nil
    default:
      return try container.decode(Option<String?>.self, forKey: key).wrappedValue.map { [$0] }
    }
  }

  private var specification: NameSpecification {
    NameSpecification(
      names.map { .customLong($0) } + shortNames.map { .customLong($0, withSingleDash: true) })
  }
}

/// The name of a flag or of a section, as the parser asks for it.
private struct FlagKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }

  init(_ name: String) { stringValue = name }
  init?(stringValue: String) { self.init(stringValue) }
  init?(intValue: Int) { nil }
}

/// A number of a section as a type.
private protocol Place {
  static var index: Int { get }
}

/// The first section.
private enum First: Place {
  static var index: Int { 0 }
}

/// The section behind another.
private enum After<P: Place>: Place {
  static var index: Int { P.index + 1 }
}
