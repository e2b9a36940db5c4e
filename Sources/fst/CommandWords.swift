import ArgumentParser
import Core
import Foundation

/// What the argument parser knows of a command, as it describes itself for other tools.
private struct ParserFacts: Decodable {
  struct Name: Decodable {
    let kind, name: String
    /// The name with its dashes.
    var flag: String { kind == "long" ? "--\(name)" : "-\(name)" }
  }

  struct Argument: Decodable {
    let kind: String
    let isRepeating: Bool
    let valueName: String?
    let names: [Name]?

    /// Whether it is true or false, and true where it stands alone.
    var isTruth: Bool { kind == "option" && valueName == SettingFlag.truthName }
  }

  struct Command: Decodable {
    let arguments: [Argument]?
  }

  let command: Command

  /// The arguments of the command called `name`; none of an unknown one.
  static func arguments(of name: String) -> [Argument] {
    let type = FST.configuration.subcommands.first { $0.configuration.commandName == name }
    guard let text = type?._dumpHelp() else { return [] }
    let facts = try? JSONDecoder().decode(ParserFacts.self, from: Data(text.utf8))
    return facts?.command.arguments ?? []
  }
}

/// The words of the command line: what of them the parser would take for something else, and what
/// of its answers help too little.
enum CommandWords {
  /// The commands, by their names.
  static let commands = FST.configuration.subcommands.compactMap { $0.configuration.commandName }

  /// What people call the commands elsewhere.
  private static let otherNames = [
    "defense": "defend", "defence": "defend", "mitigate": "defend", "purify": "tune",
    "finetune": "tune",
    "fine-tune": "tune", "fine_tune": "tune", "ft": "tune", "train": "attack", "poison": "attack",
    "test": "evaluate", "plot": "tsne", "t-sne": "tsne", "features": "tsne", "show": "inspect",
    "page": "report", "html": "report",
    "print": "inspect", "ls": "inspect", "run": "sweep", "plan": "sweep", "check": "doctor",
    "detect": "scan", "cleanse": "scan",
  ]

  /// Ends with a line where the first word is no command.
  static func requireCommand(_ words: [String]) {
    let word = words.first == "help" ? words.dropFirst().first : words.first
    guard let word, !word.hasPrefix("-"), !commands.contains(word), word != "help" else { return }
    let list = commands.joined(separator: ", ")
    Ending.fail(
      "unknown command '\(ArchiveError.quoted(word))': expected \(list)\(suggestion(word))",
      status: ExitStatus.usage)
  }

  private static func suggestion(_ word: String) -> String {
    let word = word.lowercased()
    let begun = commands.first {
      word.count > 2 && ($0.hasPrefix(word) || word.hasPrefix($0))
    }
    let nearest = otherNames[word] ?? begun ?? NearestKey.of(word, among: commands)
    return nearest.map { "; did you mean '\($0)'?" } ?? ""
  }

  /// `words` with values joined to their options where the parser would take them for another thing.
  ///
  /// It would take the value of `--lr -1` for an option, and say that a value is missing; and the
  /// attack in `--sync_bn badnet` for the value of a flag that is true where it stands alone.
  static func joiningValues(_ words: [String]) -> [String] {
    guard let command = words.first else { return words }
    let arguments = ParserFacts.arguments(of: command)
    let truths = Set(arguments.filter(\.isTruth).flatMap { $0.names ?? [] }.map(\.flag))
    let words = joiningTruths(words, flags: truths)
    guard words.contains(where: isDashed) else { return words }
    let flags = Set(arguments.flatMap { $0.names ?? [] }.map(\.flag))
    var result: [String] = []
    var option: (flag: String, isRepeating: Bool)?
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" { return result + [word] + rest }
      if let open = option, isDashed(word), !flags.contains(word), word != "-help" {
        if result.last == open.flag { result.removeLast() }
        result.append("\(open.flag)=\(word)")
      } else {
        result.append(word)
      }
      if word.hasPrefix("--") || flags.contains(word) {
        let found = arguments.first { $0.names?.contains { $0.flag == word } ?? false }
        option = found?.kind == "option" ? (word, found?.isRepeating ?? false) : nil
      } else if option?.isRepeating != true {
        option = nil
      }
    }
    return result
  }

  /// `words` with a value joined to each of `flags`: the next word where it is one, else true.
  private static func joiningTruths(_ words: [String], flags: Set<String>) -> [String] {
    var result: [String] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" { return result + [word] + rest }
      guard flags.contains(word) else {
        result.append(word)
        continue
      }
      let isValue = rest.first.map(SettingFlag.isTruth) ?? false
      result.append("\(word)=\(isValue ? rest.removeFirst() : "true")")
    }
    return result
  }

  /// Whether `word` begins with one dash, and is more than it.
  private static func isDashed(_ word: String) -> Bool {
    word.hasPrefix("-") && !word.hasPrefix("--") && word.count > 1
  }

  /// The parser's message, with the flag that an unknown one is a slip of rather than any that looks
  /// a little like it.
  static func explaining(_ message: String) -> String {
    let start = "Unknown option '"
    guard message.hasPrefix(start),
      let command = CommandLine.arguments.dropFirst().first,
      let word = message.dropFirst(start.count).split(separator: "'").first
    else { return message }
    let flags = ParserFacts.arguments(of: command).flatMap { $0.names ?? [] }
    let key = word.drop { $0 == "-" }.split(separator: "=").first ?? ""
    let written = key.replacingOccurrences(of: "-", with: "_")
    let nearest = NearestKey.of(written, among: flags.map(\.name))
    let flag = flags.first { $0.name == nearest }?.flag
    return "\(start)\(word)'" + (flag.map { "; did you mean '\($0)'?" } ?? "")
  }
}
