import Foundation

/// What lies in the folder of an attack's run: its arguments, its frame, its logs, its defences.
struct RunFiles {
  let folder: String
  /// What `info.pickle` says, in its order.
  let arguments: [ConfigArgument]
  let frame: AttackDataFrame?
  let log: RunLogText
  let description: RunDescription
  /// The defences beneath it, by name.
  private(set) var defences: [PurifiedFiles]
  /// Whether it is about one of them alone.
  private(set) var isOfOneDefence = false
  /// What could not be read, a line each.
  private(set) var problems: [String] = []

  /// The folder as one name.
  var name: String { PathText.name(of: PathText.resolved(folder)) }
  /// The attacked model's archive, if it is there.
  var archive: String? { Self.existing("\(folder)/\(ArchivePlace.attackName)") }
  /// The triggered test images' folder, if it is there.
  var triggeredFolder: String? { Self.existing("\(folder)/\(PoisonFolder.testName)") }

  /// Reads what is there of `folder`; what is damaged is one of `problems`.
  init(folder: String) {
    self.folder = folder
    var problems: [String] = []
    arguments = Self.arguments(in: folder, &problems)
    frame = Self.frame("\(folder)/attack_df.csv", &problems)
    log = RunLogText(folder: folder)
    description = RunDescription(archive: "\(folder)/\(ArchivePlace.attackName)")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/defense")) ?? []
    defences = names.sorted().filter { !$0.hasPrefix(".") && !$0.contains(".earlier-") }
      .map { PurifiedFiles(folder: "\(folder)/defense/\($0)") }.filter(\.isThere)
    self.problems = problems
  }

  /// The same about the defence in `folder` alone.
  func about(defence folder: String) -> RunFiles {
    var files = self
    (files.defences, files.isOfOneDefence) = ([PurifiedFiles(folder: folder)], true)
    return files
  }

  /// The value of the argument `key` that counts.
  func argument(_ key: String) -> ConfigValue? { arguments.last { $0.key == key }?.value }

  /// What the attacked model does after the last epoch.
  var rates: ThreeRates { ThreeRates(last: frame) }

  /// The arguments in the `info.pickle` of `folder`.
  static func arguments(in folder: String, _ problems: inout [String]) -> [ConfigArgument] {
    guard let path = existing("\(folder)/info.pickle") else { return [] }
    do {
      return try InfoFile.read(path: path).compactMap { entry in
        entry.key.text.flatMap { key in
          ConfigValue(entry.value).map { ConfigArgument(key: key, value: $0) }
        }
      }
    } catch {
      problems.append("\(error)")
      return []
    }
  }

  /// The frame at `path`; nil where there is none.
  static func frame(_ path: String, _ problems: inout [String]) -> AttackDataFrame? {
    guard let path = existing(path) else { return nil }
    do { return try AttackDataFrame.read(path: path) } catch {
      problems.append("\(error)")
      return nil
    }
  }

  /// `path`, if anything is there.
  static func existing(_ path: String) -> String? {
    FileManager.default.fileExists(atPath: path) ? path : nil
  }
}

/// What lies in the folder of a tuning or a defence, `<run>/defense/<name>`.
struct PurifiedFiles {
  let folder: String
  let arguments: [ConfigArgument]
  let log: RunLogText
  /// Its tables but their summaries, by the names of their files.
  let frames: [(name: String, frame: AttackDataFrame)]
  private(set) var problems: [String] = []

  private static let mostFrames = 8

  /// Its name, which its folder has.
  var name: String { PathText.name(of: PathText.resolved(folder)) }
  /// Whether it is such a folder at all.
  var isThere: Bool { !arguments.isEmpty || archive != nil || !frames.isEmpty }
  /// The purified model's archive, if it is there.
  var archive: String? { RunFiles.existing("\(folder)/defense_result.pt") }
  /// The picture of the triggers that Neural Cleanse has reversed, if there is one.
  var reversedTriggers: String? { RunFiles.existing("\(folder)/reversed_triggers.png") }
  /// What the picture's classes came to, if it is there.
  var norms: AttackDataFrame? { frames.first { $0.name == "nc_norms.csv" }?.frame }

  /// Reads what is there of `folder`.
  init(folder: String) {
    self.folder = folder
    var problems: [String] = []
    arguments = RunFiles.arguments(in: folder, &problems)
    log = RunLogText(folder: folder)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let tables = names.sorted().filter {
      $0.hasSuffix(".csv") && !$0.hasSuffix("_summary.csv") && !$0.hasPrefix(".")
    }
    frames = tables.prefix(Self.mostFrames).compactMap { name in
      RunFiles.frame("\(folder)/\(name)", &problems).map { (name, $0) }
    }
    self.problems = problems
  }

  /// What the purified model does: its log's last words, else the last row of its frame.
  var after: ThreeRates {
    if let after = log.after, !after.isEmpty { return after }
    let frame = frames.first { $0.name.hasSuffix("_df.csv") }?.frame
    return ThreeRates(last: frame)
  }

  /// The name with the settings that tell it from its like, such as `fst (alpha 0.1)`.
  var title: String {
    let known = Dictionary(arguments.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    guard let mode = known["ft_mode"], name == mode.plain || name.hasPrefix(mode.plain),
      FineTuningMode(rawValue: mode.plain) == .fst, let alpha = known["alpha"]
    else { return name }
    return "\(name) (alpha \(alpha.plain))"
  }
}
