import Core
import Foundation
import Testing

/// The titles of panels.
@Suite struct RunDescriptionTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("titles-\(UUID().uuidString)").path

  private func title(_ path: String, _ infos: [String: [PickleValue.Entry]]) throws -> String {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (place, arguments) in infos {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/\(place)", withIntermediateDirectories: true)
      try InfoFile.write(arguments, to: "\(folder)/\(place)/info.pickle")
    }
    return RunDescription(archive: "\(folder)/\(path)").title
  }

  private func attack(_ ratio: Double) -> [PickleValue.Entry] {
    [.init("attack", .string("badnet")), .init("pratio", .float(ratio))]
  }

  @Test(arguments: [
    (0.1, "badnet 10 %"), (0.005, "badnet 0.5 %"), (0.075, "badnet 7.5 %"), (0, "no poison"),
  ])
  func anAttackNamesItsShareOfPoison(ratio: Double, expected: String) throws {
    #expect(try title("run/attack_result.pt", ["run": attack(ratio)]) == expected)
  }

  @Test(arguments: [
    ("ft", "badnet 1 %, after ft"), ("fst", "badnet 1 %, after fst (alpha 0.2)"),
    ("anp", "badnet 1 %, anp"),
  ])
  func aDefenceNamesItsMode(mode: String, expected: String) throws {
    let infos = [
      "run": attack(0.01),
      "run/defense/\(mode)": [
        PickleValue.Entry("alpha", .float(0.2)), .init("pratio", .float(0.7)),
      ],
    ]
    #expect(try title("run/defense/\(mode)/defense_result.pt", infos) == expected)
  }

  @Test func aPathThatIsShortForADefencesPlaceNamesItToo() throws {
    let infos = ["run": attack(0.01), "run/defense/anp": []]
    #expect(try title("run/defense/anp/./defense_result.pt", infos) == "badnet 1 %, anp")
    #expect(try title("run/defense/anp/../anp/x.pt", infos) == "badnet 1 %, anp")
  }

  @Test func aSweepsDefenceNamesItsSettings() throws {
    let place = "run/defense/fst-alpha_0.1-seed_2"
    let tuning: [PickleValue.Entry] = [
      .init("ft_mode", .string("fst")), .init("alpha", .float(0.1)), .init("random_seed", .int(2)),
    ]
    let found = try title(
      "\(place)/defense_result.pt", ["run": attack(0.01), place: tuning])
    #expect(found == "badnet 1 %, after fst (alpha 0.1, seed 2)")
  }

  @Test func withoutAnAttacksFileTheDefencesSaysWhatItKnows() throws {
    let infos = ["run/defense/ft": attack(0.05)]
    #expect(try title("run/defense/ft/defense_result.pt", infos) == "badnet 5 %, after ft")
  }

  @Test func withoutAnyFileTheTitleIsTheArchivesName() throws {
    #expect(try title("run/attack_result.pt", [:]) == "attack_result.pt")
    #expect(try title("run/fst.pt", ["run": attack(0.1)]) == "badnet 10 %, fst.pt")
  }
}
