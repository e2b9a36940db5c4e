import Foundation

/// What an archive's surroundings say it is: the attack, the share of poison, the defence.
///
/// Read from `info.pickle` of the attack's folder and, below `defense/<mode>/`, of the defence's.
/// It is for titles alone: where a file is missing or damaged, the title says less.
public struct RunDescription: Codable, Equatable, Sendable {
  /// The attack, such as `badnet`.
  public var attack: String?
  /// The share of poisoned training images, 0…1.
  public var poisonRatio: Double?
  /// The tuning mode, or the file's name where that says something; nil for the attacked model.
  public var defense: String?
  /// The weight of fst's feature-shift penalty, where that is the mode.
  public var alpha: Double?
  /// The tuning's seed, where the folder's name gives it, as that of a sweep's run does.
  public var seed: Int?

  /// The description of the archive at `path`; by its name alone where it `isForeign`, beside the
  /// files of another run.
  public init(archive path: String, isForeign: Bool = false) {
    let place = ArchivePlace(path)
    let run = isForeign ? [:] : Self.arguments(in: place.runOfDefense ?? place.folder)
    attack = run["attack"]?.text
    poisonRatio = run["pratio"]?.number
    if place.runOfDefense != nil {
      let name = PathText.name(of: PathText.resolved(place.folder))
      let tuning = Self.arguments(in: place.folder)
      let mode = tuning["ft_mode"]?.text ?? name
      defense = mode
      seed = name.contains("seed") ? tuning["random_seed"]?.integer : nil
      attack = attack ?? tuning["attack"]?.text
      poisonRatio = poisonRatio ?? tuning["pratio"]?.number
      if mode == FineTuningMode.fst.rawValue { alpha = tuning["alpha"]?.number }
    } else if place.name != ArchivePlace.attackName || attack == nil {
      defense = place.name
    }
  }

  /// The description as a title, such as `badnet 10 %, after fst (alpha 0.1)`.
  public var title: String {
    var words = attack ?? ""
    if let poisonRatio, attack != nil {
      words = poisonRatio == 0 ? "no poison" : "\(words) \(Self.percent(poisonRatio)) %"
    }
    guard let defense else { return words }
    let isMode = FineTuningMode(rawValue: defense) != nil
    let settings = [alpha.map { "alpha \($0.pythonRepr)" }, seed.map { "seed \($0)" }]
      .compactMap { $0 }.joined(separator: ", ")
    return (words.isEmpty ? "" : words + ", ") + (isMode ? "after " : "") + defense
      + (settings.isEmpty ? "" : " (\(settings))")
  }

  /// The share in percent without needless zeros: `10`, `0.5`.
  private static func percent(_ share: Double) -> String { String(format: "%.4g", share * 100) }

  private static func arguments(in folder: String) -> [String: PickleValue] {
    let path = "\(folder)/info.pickle"
    guard FileManager.default.fileExists(atPath: path),
      let entries = try? InfoFile.read(path: path)
    else { return [:] }
    return Dictionary(
      entries.compactMap { entry in entry.key.text.map { ($0, entry.value) } },
      uniquingKeysWith: { $1 })
  }
}
