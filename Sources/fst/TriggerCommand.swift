import ArgumentParser
import Core

/// `fst trigger`: a picture of what an attack puts into images.
struct TriggerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trigger",
    abstract: "Draw an attack's trigger on eight test images, as a PNG.",
    discussion: """
      Three rows under their names: the images, the triggered images, and
      their differences, multiplied so that they can be seen; by how much is
      printed too. They are the first test images of each class that is
      triggered, so --attack_target chooses among them. Nothing is trained,
      and of the attack only the trigger is made.

        fst trigger blended --dataset synthetic --out blended.png
        fst trigger lf --result record/cifar10/lf/<run> --out lf.png

      --result names a run's folder: its settings are taken, and what it has
      kept of its trigger. Without it, triggers that a run makes are those of
      the run that --record, --dataset, --pratio, --attack_target and --model
      name; those made from a clean model may be made from --clean_model.
      Runs alone or on many ranks, which help to make that trigger.
      """)

  @Argument(
    help: ArgumentHelp("The attack, one that fst attack --list names.", valueName: "attack"),
    completion: .list(AttackName.allCases.map(\.rawValue)),
    transform: AttackName.named)
  var attack: AttackName

  @Option(name: .key("out"), help: ArgumentHelp("The picture, a PNG.", valueName: "file.png"))
  var out: String

  @Option(
    name: .key("result"),
    help: ArgumentHelp(
      "The folder of a run, whose settings and trigger are taken.", valueName: "folder"))
  var result: String?

  @OptionGroup(title: "Configuration files") var yaml: YAMLOptions
  @OptionGroup var settings: SettingFlags<TriggerFlags>
  @OptionGroup(title: "Machine and output") var output: OutputOptions

  func validate() throws {
    guard out.lowercased().hasSuffix(".png") else {
      throw ValidationError("--out: expected a file that ends in .png, found '\(out)'")
    }
  }

  func run() throws {
    try Session.run(
      logFolder: { _ in nil }, savesOnSignals: false,
      threads: \.threads,
      configure: {
        try ConfigDecoder.attack(
          attack, flags: settings.arguments, attackYAML: yaml.attack,
          prototypeYAML: yaml.prototype, run: result)
      },
      body: { configuration, session in
        try TriggerPicture(
          configuration, path: out, communicator: session.communicator,
          observer: session.observer
        ).run()
      },
      report: { try report($0) })
  }

  private func report(_ sheet: TriggerSheet?) throws -> Int32 {
    guard let sheet else { return 0 }
    if output.json {
      try Report.printJSON(
        TriggerReport(
          out: out, amplification: sheet.amplification, enlargement: sheet.enlargement,
          images: sheet.positions))
    } else {
      print("rows    original, triggered, difference x \(sheet.amplification)")
      print("images  \(sheet.positions.map(String.init).joined(separator: ", ")) of the test set")
      print("out     \(out)")
    }
    return 0
  }
}

/// The flags of an attack that decide its trigger.
enum TriggerFlags: FlagTable {
  static let sections = FlagSection.all(of: AttackConfiguration.triggerFlags)
}

/// Where a trigger's picture is, and how to read it.
private struct TriggerReport: Encodable {
  let out: String
  /// The factor of the differences.
  let amplification: Int
  /// The factor of width and height.
  let enlargement: Int
  /// Positions in the test set.
  let images: [Int]
}
