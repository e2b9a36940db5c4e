import ArgumentParser
import Core

/// `fst scan`: whether a model has a backdoor, by the triggers that can be reversed from it.
struct ScanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan",
    abstract: "Look for a backdoor in a model, by reversing a trigger for each class.",
    discussion: """
      Neural Cleanse (Wang et al. 2019): for each class the smallest mask
      and pattern that send clean images there. A class whose mask is far
      smaller than the others' is the target of a backdoor. Only clean
      images are needed; a clean model has no class that stands out. It
      sees triggers that are small patches: of one that covers the whole
      image, as blended's, it may see nothing.

        fst scan record/cifar10/badnet/<run>/attack_result.pt --out scan.png
        fst scan resnet18.pth --dataset cifar10 --dataset_path ./data --json

      Prints each class's mask size, the anomaly index (above 2 a class
      stands out) and how sure that is. Runs alone or on many ranks, which
      share the classes.
      """)

  @Argument(
    help: ArgumentHelp(
      "An attack_result.pt, a defense_result.pt, the folder of either, or a bare state_dict.",
      valueName: "archive"),
    completion: .file())
  var archive: String

  @OptionGroup var settings: SettingFlags<ScanFlags>
  @OptionGroup(title: "Machine and output") var output: OutputOptions

  func run() throws {
    try Session.run(
      logFolder: { _ in nil }, savesOnSignals: false,
      threads: \.evaluation.threads, precision: \.evaluation.precision,
      configure: { try ConfigDecoder.scan(archive: archive, flags: settings.arguments) },
      body: { configuration, session in
        try TriggerScan(
          configuration, communicator: session.communicator, observer: session.observer
        ).run()
      },
      report: { try report($0) })
  }

  private func report(_ outcome: TriggerScan.Outcome) throws -> Int32 {
    let verdict = outcome.verdict
    if output.json {
      try Report.printJSON(ScanReport(outcome))
      return 0
    }
    print("class  mask      deviations  name")
    for (index, norm) in verdict.norms.enumerated() {
      let distance = verdict.deviation > 0 ? (norm - verdict.median) / verdict.deviation : 0
      let cells = [("\(index)", 7), (Report.figure(norm), 10), (Report.figure(distance), 12)]
      let marks =
        (verdict.flagged.contains(index) ? "  stands out" : "")
        + (verdict.unreached.contains(index) ? "  (no trigger that works)" : "")
      print(
        cells.map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined()
          + outcome.classNames[index] + marks)
    }
    print(verdict.words)
    if let picture = outcome.picture { print("out    \(picture)") }
    return 0
  }
}

/// The flags of a scan.
enum ScanFlags: FlagTable {
  static let sections = FlagSection.all(of: ScanConfiguration.flags)
}

/// A scan's verdict.
private struct ScanReport: Encodable {
  enum CodingKeys: String, CodingKey {
    case norms, median, deviation, flagged, unreached, reliable, chance, verdict
    case index = "anomaly_index"
    case picture = "out"
  }

  /// The sizes of the masks, one a class.
  let norms: [Double]
  let median, deviation, index: Double
  /// The classes that stand out, and those without a trigger that works.
  let flagged, unreached: [Int]
  /// Whether the sizes say anything; where they do not, no class is flagged.
  let reliable: Bool
  /// The chance of as much among a clean model's classes.
  let chance: Double
  /// The verdict in words.
  let verdict: String
  /// Absent where no picture was written.
  let picture: String?

  init(_ outcome: TriggerScan.Outcome) {
    let found = outcome.verdict
    (norms, median, deviation) = (found.norms, found.median, found.deviation)
    (index, chance) = (found.index, found.chance)
    (flagged, unreached, reliable) = (found.flagged, found.unreached, found.isReliable)
    (verdict, picture) = (found.words, outcome.picture)
  }
}
