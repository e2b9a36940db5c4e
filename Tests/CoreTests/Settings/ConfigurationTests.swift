import Core
import Testing

@Suite struct ConfigurationTests {
  @Test(arguments: [
    (0.1, "0.1"), (0.0, "0.0"), (1.0, "1.0"), (0.01, "0.01"), (1e-5, "1e-05"), (0.0001, "0.0001"),
    (1e16, "1e+16"), (123456789.5, "123456789.5"), (.nan, "nan"), (-.infinity, "-inf"),
    (2.0 / 3.0, "0.6666666666666666"), (1.5e-7, "1.5e-07"), (.leastNonzeroMagnitude, "5e-324"),
  ])
  func numbersLookAsInPython(value: Double, text: String) {
    #expect(value.pythonRepr == text)
  }

  @Test func anAttacksFolderIsNamedAsTheOriginalNamesIt() {
    var configuration = AttackConfiguration(attack: .blended)
    configuration.poisonRatio = 1e-5
    configuration.attackTarget = 3
    configuration.model = .preactresnet18
    configuration.record = "/somewhere/record"
    #expect(
      configuration.folder
        == "/somewhere/record/cifar10/blended/pratio_1e-05-target_3-archi_preactresnet18")
    configuration.saveFolderName = "mine"
    #expect(configuration.folder == "/somewhere/record/mine")
  }

  @Test(
    arguments: [
      (nil, "record/cifar10/sig/pratio_0.1-target_0-archi_resnet18", nil), ("a/b", "a/b", nil),
      ("a/b/attack_result.pt", "a/b", "a/b/attack_result.pt"), ("x.pt", ".", "x.pt"),
      ("/x.pt", "/", "/x.pt"),
    ] as [(String?, String, String?)])
  func aResultIsFoundByItsFolderOrItsArchive(result: String?, folder: String, archive: String?) {
    var configuration = TuneConfiguration(attack: .sig)
    configuration.resultPath = result
    #expect(configuration.folder == folder)
    #expect(configuration.archivePath == archive ?? "\(folder)/attack_result.pt")
  }

  @Test func theCosineLastsAsLongAsTheEpochsUnlessToldOtherwise() {
    var configuration = AttackConfiguration(attack: .sig)
    configuration.epochs = 7
    #expect(configuration.scheduleEpochs == 7)
    configuration.cosineEpochs = 100
    #expect(configuration.scheduleEpochs == 100)
  }

  @Test func keysAreUniqueAndTuneSharesTheirNames() {
    for keys in [
      AttackConfiguration.fields.map(\.key), TuneConfiguration.fields.map(\.key),
      EvaluateConfiguration.fields.map(\.key),
    ] { #expect(Set(keys).count == keys.count) }
  }
}
