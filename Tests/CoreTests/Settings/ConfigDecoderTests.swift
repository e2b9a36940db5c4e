import Core
import Foundation
import Testing

@Suite struct ConfigDecoderTests {
  @Test func withoutSettingsAllDefaultsHold() throws {
    let decoded = try ConfigDecoder.attack(.blended, flags: [])
    var expected = AttackConfiguration(attack: .blended)
    expected.arguments = decoded.configuration.arguments
    #expect(decoded.configuration == expected)
    #expect(decoded.warnings.isEmpty)
  }

  @Test func flagsOverrideTheAttacksYAMLWhichOverridesThePrototype() throws {
    let prototype = try TemporaryYAML("epochs: 1\nbatch_size: 1\nlr: 0.5\nmodel: preactresnet18\n")
    let attack = try TemporaryYAML("epochs: 2\nbatch_size: 2\n")
    let flags = [ConfigArgument(key: "epochs", value: .integer(3))]
    let configuration = try ConfigDecoder.attack(
      .badnet, flags: flags, attackYAML: attack.path, prototypeYAML: prototype.path
    ).configuration
    #expect(configuration.epochs == 3)
    #expect(configuration.batchSize == 2)
    #expect(configuration.learningRate == 0.5)
    #expect(configuration.model == .preactresnet18)
    #expect(configuration.momentum == 0.9)
  }

  @Test func labelSmoothingInPlaceOfThePenaltyIsToldWhereThereIsOne() throws {
    for (mode, count) in [("fst", 1), ("ft", 0)] {
      let warnings = try ConfigDecoder.tune(flags: [
        ConfigArgument(key: "attack", value: .text("badnet")),
        ConfigArgument(key: "ft_mode", value: .text(mode)),
        ConfigArgument(key: "lb_smooth", value: .real(0.1)),
      ]).warnings
      #expect(warnings.filter { $0.contains("feature-shift penalty") }.count == count)
    }
  }

  @Test func everyKeyOfTheOriginalPrototypeIsAccepted() throws {
    let yaml = try TemporaryYAML(
      """
      num_workers: 4
      pin_memory: True
      non_blocking: True
      prefetch: False
      amp: False
      device: cuda:0
      client_optimizer: sgd
      dataset: cifar10
      dataset_path: ../data
      frequency_save: 0
      batch_size: 128
      lr: 0.01
      lr_scheduler: CosineAnnealingLR
      model: preactresnet18
      random_seed: 0
      sgd_momentum: 0.9
      wd: 0.0005
      epochs: 100
      """)
    let decoded = try ConfigDecoder.attack(.badnet, flags: [], prototypeYAML: yaml.path)
    #expect(decoded.configuration.datasetPath == "../data")
    #expect(decoded.configuration.learningRate == 0.01)
    #expect(
      decoded.warnings == [
        "no effect on a CPU: amp, device, non_blocking, num_workers, pin_memory, prefetch"
      ])
  }

  @Test(arguments: [
    ("batch_sise", "batch_size"), ("learning_rate", nil), ("epoch", "epochs"), ("devise", "device"),
    ("attack_targets", "attack_target"), ("xyz", nil), ("xratio", nil), ("mode", nil), ("lt", nil),
    ("checkpoint_loads", "checkpoint_load"), ("checkpoint_stpes", "checkpoint_steps"),
    ("checkpoint_folder", nil), ("modle", "model"), ("sgd_momentun", "sgd_momentum"),
  ])
  func anUnknownKeyIsNamedWithFileLineAndNearestKey(key: String, nearest: String?) throws {
    let yaml = try TemporaryYAML("# comment\ndataset: cifar10\n\(key): 50\n")
    let error = #expect(throws: ConfigError.self) {
      try ConfigDecoder.attack(.badnet, flags: [], prototypeYAML: yaml.path)
    }
    let suggestion = nearest.map { "; did you mean '\($0)'?" } ?? ""
    #expect(error?.description == "\(yaml.path):3: unknown key '\(key)'" + suggestion)
  }

  @Test(arguments: [
    ("pratio", "1.5"), ("pratio", "-0.1"), ("pratio", "nan"), ("pratio", "much"),
    ("split_ratio", "0"), ("attack_target", "-1"), ("attack_target", "0.5"), ("batch_size", "0"),
    ("batch_size", "ten"), ("batch_size_per_rank", "0"), ("width", "0"), ("width", "100000"),
    ("epochs", "0"), ("epochs", "[1]"), ("epochs", ""), ("lr", "-1"), ("lr", "true"),
    ("sgd_momentum", "1"), ("wd", "-1e-4"), ("lb_smooth", "1"), ("random_seed", "-1"),
    ("random_seed", "4294967296"), ("max_steps", "-1"), ("patch_mask_path", "[a]"),
    ("threads", "0"), ("frequency_save", "-1"),
    ("model", "vgg19"), ("lr_scheduler", "StepLR"), ("attack_label_trans", "all2two"),
    ("tuning_split", "both"), ("archive_arrays", "tensors"), ("archive_paths", "home"),
    ("sync_bn", "3"), ("resume", "maybe"),
    ("client_optimizer", "adam"), ("pre", "true"), ("attack", "sig"), ("dataset_path", "''"),
    ("steplr_milestones", "[5, x]"), ("attack_train_blended_alpha", "2"), ("sig_f", "inf"),
  ])
  func aValueThatDoesNotFitIsNamedWithFileLineAndKey(key: String, value: String) throws {
    let yaml = try TemporaryYAML("dataset: cifar10\n\(key): \(value)\n")
    let error = #expect(throws: ConfigError.self) {
      try ConfigDecoder.attack(.badnet, flags: [], prototypeYAML: yaml.path)
    }
    let message = error?.description ?? ""
    #expect(message.hasPrefix("\(yaml.path):2: \(key): expected "))
    #expect(message.contains(", found "))
    #expect(!message.contains("\n"))
  }

  @Test func aBadFlagIsNamedAsAFlag() {
    let error = #expect(throws: ConfigError.self) {
      try ConfigDecoder.attack(
        .badnet, flags: [ConfigArgument(key: "pratio", value: .real(1.5))])
    }
    #expect(error?.description == "--pratio: expected a number from 0 to 1, found 1.5")
  }

  @Test func theLaterFormOfTheBatchSizeWins() throws {
    let perRank = try TemporaryYAML("batch_size_per_rank: 32\n")
    let flags = [ConfigArgument(key: "batch_size", value: .integer(64))]
    let configuration = try ConfigDecoder.attack(
      .badnet, flags: flags, prototypeYAML: perRank.path
    ).configuration
    #expect(configuration.batchSize == 64)
    #expect(configuration.batchSizePerRank == nil)
    let both = try TemporaryYAML("batch_size: 64\nbatch_size_per_rank: 32\n")
    #expect(throws: ConfigError.self) {
      try ConfigDecoder.attack(.badnet, flags: [], prototypeYAML: both.path)
    }
  }

  @Test func argumentsAreThoseGivenInOrderThenTheDefaults() throws {
    let prototype = try TemporaryYAML("lr: 0.5\nepochs: 7\ndevice: cpu\n")
    let flags = [ConfigArgument(key: "epochs", value: .integer(3))]
    let arguments = try ConfigDecoder.attack(
      .badnet, flags: flags, prototypeYAML: prototype.path
    ).configuration.arguments
    #expect(
      arguments.prefix(3) == [
        ConfigArgument(key: "lr", value: .real(0.5)),
        ConfigArgument(key: "epochs", value: .integer(3)),
        ConfigArgument(key: "device", value: .text("cpu")),
      ])
    #expect(arguments.contains(ConfigArgument(key: "pratio", value: .real(0.1))))
    #expect(arguments.last == ConfigArgument(key: "yaml_path", value: .text(prototype.path)))
    #expect(Set(arguments.map(\.key)).count == arguments.count)
  }

  @Test func tuneNeedsToKnowTheAttack() throws {
    let error = #expect(throws: ConfigError.self) { try ConfigDecoder.tune(flags: []) }
    #expect(error?.description.hasPrefix("--attack is missing") == true)
    let yaml = try TemporaryYAML("attack: sig\nsig_delta: 30\n")
    let decoded = try ConfigDecoder.tune(flags: [], attackYAML: yaml.path)
    #expect(decoded.configuration.attack == .sig)
    #expect(decoded.configuration.settings[Sinusoidal.self].delta == 30)
    #expect(!decoded.configuration.appliesTrigger, "the attack's file is no wish to apply it anew")
    #expect(decoded.warnings.isEmpty)
  }

  @Test func anArchiveStandsForWhatIsNotGiven() throws {
    let result = ConfigArgument(key: "result", value: .text("run"))
    let target = ConfigArgument(key: "attack_target", value: .integer(1))
    let decoded = try ConfigDecoder.tune(flags: [result, target]).configuration
    #expect(decoded.attack == nil)
    #expect(
      decoded.keysOfArchive
        == ["attack", "dataset", "dataset_path", "attack_label_trans", "model"])
  }

  @Test func thePapersTuningCommandDecodes() throws {
    let flags: [(String, ConfigValue)] = [
      ("attack", .text("blended")), ("split_ratio", .real(0.02)), ("pratio", .real(0.1)),
      ("device", .text("cuda:0")), ("lr", .real(0.01)), ("attack_target", .integer(0)),
      ("model", .text("resnet18")), ("dataset", .text("cifar10")), ("epochs", .integer(10)),
      ("initlr", .real(0.1)), ("ft_mode", .text("fst")), ("alpha", .real(0.1)),
    ]
    let decoded = try ConfigDecoder.tune(
      flags: flags.map { ConfigArgument(key: $0.0, value: $0.1) })
    var expected = TuneConfiguration(attack: .blended)
    expected.alpha = 0.1
    expected.initialLearningRate = 0.1
    expected.arguments = decoded.configuration.arguments
    expected.keysOfArchive = ["dataset_path", "attack_label_trans"]
    #expect(decoded.configuration == expected)
    #expect(decoded.warnings.count == 2)
    #expect(
      decoded.configuration.archivePath
        == "record/cifar10/blended/pratio_0.1-target_0-archi_resnet18/attack_result.pt")
  }

  @Test func noneTakesBackWhatAnEarlierFileSets() throws {
    let prototype = try TemporaryYAML("lb_smooth: 0.1\nmax_steps: 5\nlr: 0.5\n")
    let attack = try TemporaryYAML("lb_smooth: none\nmax_steps:\n")
    let configuration = try ConfigDecoder.attack(
      .badnet, flags: [], attackYAML: attack.path, prototypeYAML: prototype.path
    ).configuration
    #expect(configuration.labelSmoothing == 0)
    #expect(configuration.maxSteps == nil)
    #expect(configuration.learningRate == 0.5)
    let tuned = try ConfigDecoder.tune(
      flags: [ConfigArgument(key: "attack", value: .text("badnet"))], attackYAML: attack.path,
      prototypeYAML: prototype.path)
    #expect(tuned.configuration.labelSmoothing == nil)
  }

  /// BackdoorBench's file of the `ft` defence, as users of CIFAR-10 have it.
  private static let defence = """
    device: 'cuda'
    amp: True
    checkpoint_load:
    checkpoint_save:
    log:
    dataset: 'cifar10'
    epochs: 20
    batch_size: 32
    lr_scheduler: CosineAnnealingLR
    frequency_save: 0
    random_seed: 0
    ratio: 0.05
    index:

    """

  @Test func aDefencesFileOfBackdoorBenchIsTaken() throws {
    let attack = [ConfigArgument(key: "attack", value: .text("badnet"))]
    let yaml = try TemporaryYAML(Self.defence)
    let decoded = try ConfigDecoder.tune(flags: attack, prototypeYAML: yaml.path)
    #expect(decoded.configuration.splitRatio == 0.05)
    #expect(decoded.configuration.epochs == 20)
    #expect(
      decoded.configuration.arguments.contains(
        ConfigArgument(key: "split_ratio", value: .real(0.05)))
    )
    #expect(
      decoded.warnings == [
        "no effect on a CPU: amp, device", "no effect on this command: frequency_save",
      ])
    let flags = attack + [ConfigArgument(key: "split_ratio", value: .real(0.1))]
    #expect(
      try ConfigDecoder.tune(flags: flags, prototypeYAML: yaml.path).configuration.splitRatio == 0.1
    )
  }

  @Test(arguments: ["checkpoint_load", "checkpoint_save", "teacher_model_loc"])
  func aKeyOfADefenceThatWouldMeanSomethingIsRefused(key: String) throws {
    let yaml = try TemporaryYAML("\(key): ./some/file\n")
    let error = #expect(throws: ConfigError.self) {
      try ConfigDecoder.tune(
        flags: [ConfigArgument(key: "attack", value: .text("badnet"))], prototypeYAML: yaml.path)
    }
    #expect(error?.description.hasPrefix("\(yaml.path):1: \(key): expected nothing; ") == true)
    #expect(error?.description.hasSuffix("found './some/file'") == true)
  }

  @Test func theShareOfCleanImagesHasOneNameInAFile() throws {
    let yaml = try TemporaryYAML("split_ratio: 0.1\nratio: 0.05\n")
    let error = #expect(throws: ConfigError.self) {
      try ConfigDecoder.tune(
        flags: [ConfigArgument(key: "attack", value: .text("badnet"))], prototypeYAML: yaml.path)
    }
    #expect(
      error?.description
        == "\(yaml.path):2: ratio: expected one of ratio and split_ratio, found both")
  }

  @Test func controlCharactersOfAFileAreShownEscaped() throws {
    let yaml = try TemporaryYAML("\"x\\e[31m\": 1\n")
    let error = #expect(throws: ConfigError.self) {
      try ConfigDecoder.attack(.badnet, flags: [], prototypeYAML: yaml.path)
    }
    #expect(error?.description == "\(yaml.path):1: unknown key 'x\\u{1b}[31m'")
  }
}
