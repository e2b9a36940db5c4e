import Core
import Foundation
import Testing

/// Files of BackdoorBench's defences as they are, and what defences take otherwise than all.
@Suite struct DefenceSettingsTests {
  /// What its files have in common, with the words of this or that one.
  private static let common = """
    device: 'cuda'
    amp: True
    pin_memory: True
    checkpoint_load:
    checkpoint_save:
    log:
    data_root: 'data/'
    dataset: 'cifar10'
    num_classes:
    input_height:
    epochs: 100
    batch_size: 256
    num_workers: 4
    lr: 0.01
    lr_scheduler: CosineAnnealingLR
    poison_rate: 0.1
    target_type: 'all2one'
    trigger_type: 'squareTrigger'
    model: 'preactresnet18'
    frequency_save: 100
    index:
    seed: 3

    """

  private static let files: [(String, String)] = [
    ("clp", "u: 3\nu_min: 0\nu_max: 10\nu_num: 21\n"),
    ("ft-sam", "ratio: 0.05\nrho_max: 8.0\nrho_min: 8.0\nlabel_smoothing: 0.0\nalpha: 0.0\n"),
    (
      "anp",
      """
      acc_ratio: 0.1
      ratio: 0.05
      print_every: 500
      nb_iter: 2000
      anp_eps: 0.4
      anp_steps: 1
      anp_alpha: 0.2
      pruning_by: 'threshold'
      pruning_max: 0.90
      pruning_step: 0.05

      """
    ),
    ("fp", "client_optimizer: sgd\nacc_ratio: 0.1\nratio: 0.05\nonce_prune_ratio: 0.01\n"),
    (
      "nad",
      """
      te_epochs: 10
      momentum: 0.9
      weight_decay: 1.0e-4
      ratio: 0.05
      beta1: 500
      beta2: 1000
      beta3: 1000
      p: 2.0

      """
    ),
    (
      "rnp", "client_optimizer: 'sgd'\nsgd_momentum: 0.9\nwd: 5.0e-4\nacc_ratio: 0.1\nratio: 0.01\n"
    ),
    (
      "sau",
      """
      client_optimizer: 'adam'
      wd: 0
      adam_betas: [0.9, 0.999]
      ratio: 0.05
      n_rounds: 100
      norm_type: L_inf
      trigger_norm: 0.2
      adv_lr: 0.2
      pgd_init: max
      adv_steps: 5
      beta_1: 0.01
      beta_2: 1
      lmd_1: 1
      lmd_2: 0.0
      lmd_3: 1
      outer_steps: 1

      """
    ),
  ]

  /// Files of other versions of it, and those of Tiny ImageNet.
  @Test func keysOfItsOtherVersionsAreTaken() throws {
    let nc = try decode(
      "nc",
      file: Self.common.replacing("CosineAnnealingLR", with: "ReduceLROnPlateau")
        + "to_file: True\ncleaning_ratio: 0.05\nbs: 256\nratio: 0.05\nuse_norm: 1\n")
    #expect(nc.configuration.shared.schedule == .plateau)
    #expect(nc.warnings.contains { $0.contains("to_file") && $0.contains("cleaning_ratio") })
    let nad = try decode("nad", file: Self.common + "teacher_model_loc:\nprint_freq: 50\n")
    #expect(nad.configuration.shared.epochs == 100)
    #expect(throws: ConfigError.self) { try decode("nad", file: "teacher_model_loc: t.pt\n") }
    let sau = try decode("sau", file: Self.common + "train_mode: True\ncos_t_max: 50\n")
    #expect(sau.configuration.shared.cosineEpochs == 50)
  }

  @Test func aFileOfPlainFineTuningIsTakenAsTheOthers() throws {
    let path = NSTemporaryDirectory() + "\(UUID().uuidString).yaml"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data((Self.common + "ratio: 0.05\n").utf8).write(to: URL(fileURLWithPath: path))
    let decoded = try ConfigDecoder.tune(
      flags: [ConfigArgument(key: "result", value: .text("r"))], attackYAML: path)
    #expect(decoded.configuration.splitRatio == 0.05)
    #expect(decoded.configuration.datasetPath == "data/")
    #expect(decoded.configuration.keysOfArchive.contains("model"))
  }

  @Test func settingsThatMeanLittleTogetherAreNamed() throws {
    func warnings(_ given: [(String, ConfigValue)]) throws -> [String] {
      try ConfigDecoder.defend(
        try #require(DefenceName(rawValue: "ft-sam")),
        flags: [ConfigArgument(key: "result", value: .text("r"))]
          + given.map { ConfigArgument(key: $0, value: $1) }
      ).warnings
    }
    let parts: [(String, ConfigValue)] = [("sync_bn", .boolean(true))]
    #expect(try warnings(parts).isEmpty)
    #expect(
      try warnings(parts + [("accumulation_steps", .integer(2))]).contains {
        $0.contains("sync_bn with accumulation_steps 2") && $0.contains("number of ranks")
      })
    #expect(
      try warnings([("convolution", .text("im2col")), ("precision", .text("int16"))]).contains(
        "no effect with convolution im2col: precision; patches multiply floats"))
  }

  @Test func anIndexTakesThePlaceOfTheRatio() throws {
    let decoded = try decode("ft-sam", file: "index: i.txt\n").configuration
    #expect(decoded.shared.indexPath == "i.txt")
    #expect(decoded.shared.keysWithoutEffect.isSuperset(of: ["split_ratio", "tuning_split"]))
  }

  private func decode(
    _ name: String, file text: String, flags: [ConfigArgument] = []
  ) throws -> DecodedConfiguration<DefendConfiguration> {
    let path = NSTemporaryDirectory() + "\(UUID().uuidString).yaml"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    let defence = try #require(DefenceName(rawValue: name))
    return try ConfigDecoder.defend(
      defence, flags: [ConfigArgument(key: "result", value: .text("r"))] + flags,
      defenceYAML: path)
  }

  @Test(arguments: files) func aFileOfTheBenchmarkIsTaken(name: String, text: String) throws {
    let decoded = try decode(name, file: Self.common + text)
    let shared = decoded.configuration.shared
    #expect(shared.splitRatio == (name == "rnp" ? 0.01 : 0.05))
    #expect((shared.batchSize, shared.epochs, shared.datasetPath) == (256, 100, "data/"))
    #expect(shared.randomSeed == 3)
    // The archive says which network it is.
    #expect(shared.keysOfArchive.contains("model"))
    #expect(decoded.warnings.contains { $0.contains("poison_rate") && $0.contains("model") })
  }

  @Test func theFilesValuesCountUnlessAFlagIsGiven() throws {
    let text = Self.common + Self.files[1].1
    let radius = ConfigArgument(key: "rho_max", value: .real(3))
    let decoded = try decode("ft-sam", file: text, flags: [radius]).configuration
    let fields = DefendConfiguration.fields
    func value(_ key: String) -> ConfigValue? { fields.first { $0.key == key }?.value(decoded) }
    #expect(value("rho_max") == .real(3))
    #expect(value("rho_min") == .real(8))
    #expect(value("label_smoothing") == .real(0))
  }

  @Test func anotherOptimiserThanTheDefencesIsRefused() throws {
    #expect(throws: ConfigError.self) {
      try decode("ft-sam", file: "client_optimizer: 'adam'\n")
    }
    #expect(throws: ConfigError.self) { try decode("sau", file: "client_optimizer: 'sgd'\n") }
  }

  @Test func thePublishedFlagsOfPAMAreTaken() throws {
    let keys = ["mround", "uround", "nround", "norm_bound", "feat_bound"]
    let flags = keys.map { ConfigArgument(key: $0, value: .real(3)) }
    let decoded = try decode("pam", file: "ul_round: 4\n", flags: flags)
    #expect(
      decoded.warnings.contains(
        "no effect on pam, whose triggers nc reverses here: \(keys.joined(separator: ", "))"))
    #expect(throws: ConfigError.self) {
      try decode("pam", file: "", flags: [ConfigArgument(key: "mround", value: .text("many"))])
    }
  }

  @Test func defencesHaveDefaultsOfTheirOwn() throws {
    func shared(_ name: String) throws -> TuneConfiguration {
      DefendConfiguration(defence: try #require(DefenceName(rawValue: name))).shared
    }
    #expect(try shared("rnp").splitRatio == 0.01)
    #expect(try (shared("sau").learningRate, shared("sau").weightDecay) == (1e-4, 0))
    #expect(try (shared("anp").learningRate, shared("anp").splitRatio) == (0.01, 0.05))
  }
}
