import Core
import Testing

/// A key's role alone says what it is part of: no list of keys has to be kept beside the tables.
@Suite struct SettingRoleTests {
  /// Values of which one at least fits any key and is not its default.
  private static let candidates: [ConfigValue] =
    [
      .integer(7), .integer(1), .real(0.25), .boolean(true), .boolean(false), .list([.integer(3)]),
      .integer(48),
    ]
    + [
      "cifar100", "sig", "all2all", "held_out", "preactresnet18", "MultiStepLR", "lp", "fp16",
      "im2col", "lists", "dict", "auto",
    ].map { .text($0) }

  /// `configuration` with another value of `field`; nil for a key of which one value is supported.
  private func changed<Target: Equatable>(
    _ field: ConfigField<Target>, of configuration: Target
  ) -> Target? {
    Self.candidates.lazy.compactMap { value -> Target? in
      var other = configuration
      return field.assign(value, &other) && other != configuration ? other : nil
    }.first
  }

  private func expectIdentity<Target: TrainingConfiguration & Equatable>(
    _ configuration: Target, without: Set<String> = []
  ) {
    func identity(_ target: Target) -> [String] {
      target.identity(worldSize: 2).settings.map { "\($0.key) \($0.value)" }
    }
    for field in Target.fields where !without.contains(field.key) {
      guard let other = changed(field, of: configuration) else { continue }
      let decides = field.role == .mathematics && field.concerns(configuration.knownAttack)
      #expect((identity(other) != identity(configuration)) == decides, "\(field.key)")
      let isDecisive = field.role.isDecisive && field.concerns(configuration.knownAttack)
      #expect(
        (other.decisiveSettings != configuration.decisiveSettings) == isDecisive, "\(field.key)")
    }
  }

  @Test(arguments: AttackName.allCases)
  func aCheckpointBelongsToAllMathematicsOfItsAttackAndToNothingElse(attack: AttackName) {
    var configuration = AttackConfiguration(attack: attack)
    configuration.tuningSplit = .heldOut
    configuration.schedule = .cosine
    configuration.compression = .powersgd
    // These two show in the schedule's description where the schedule reads them.
    expectIdentity(configuration, without: ["attack", "steplr_milestones", "steplr_gamma"])
  }

  @Test func theSameHoldsOfATuning() {
    var configuration = TuneConfiguration(attack: .badnet)
    configuration.choosesAlpha = true
    configuration.compression = .powersgd
    expectIdentity(configuration, without: ["attack", "steplr_milestones", "steplr_gamma"])
  }

  @Test func theLossForAlphaDecidesNothingWhereAlphaIsANumber() {
    var configuration = TuneConfiguration(attack: .badnet)
    let before = configuration.decisiveSettings
    configuration.largestAlphaLoss = 0.1
    #expect(configuration.decisiveSettings == before)
    configuration.choosesAlpha = true
    let chosen = configuration.decisiveSettings
    configuration.largestAlphaLoss = 0.2
    #expect(configuration.decisiveSettings != chosen)
  }

  @Test func milestonesBelongToTheScheduleThatReadsThem() {
    var configuration = AttackConfiguration(attack: .badnet)
    configuration.schedule = .multiStep
    let before = "\(configuration.identity(worldSize: 1).settings)"
    configuration.milestones = [3]
    #expect("\(configuration.identity(worldSize: 1).settings)" != before)
  }

  @Test func ranksMayDifferInWhereTheirDataLieAndHowManyThreadsTheyHave() {
    let configuration = AttackConfiguration(attack: .badnet)
    let own = AttackConfiguration.fields.map(\.key).filter { key in
      !configuration.sharedSettings.contains { $0.key == key }
    }
    #expect(
      Set(own) == [
        "threads", "dataset_path", "patch_mask_path", "attack_trigger_img_path",
        "attack_train_replace_imgs_path", "attack_test_replace_imgs_path",
        "lowFrequencyPatternPath",
      ])
  }

  @Test func aKeyThatACheckpointDoesNotKnowHadItsDefault() throws {
    var configuration = AttackConfiguration(attack: .sig)
    let old = Checkpoint(
      epochs: 0, samples: 0, counts: [TrainingCounts()], bucketLayout: "",
      settings: configuration.identity(worldSize: 1).settings.filter { $0.key != "sig_delta" },
      model: StateDict(), velocity: [], rows: [])
    try old.requireSettings(of: configuration.identity(worldSize: 1), path: "x.pt")
    configuration.settings[Sinusoidal.self].delta = 30
    #expect(
      throws: CheckpointError.settingDiffers(
        path: "x.pt", key: "sig_delta", saved: "40.0", now: "30.0")
    ) { try old.requireSettings(of: configuration.identity(worldSize: 1), path: "x.pt") }
  }
}
