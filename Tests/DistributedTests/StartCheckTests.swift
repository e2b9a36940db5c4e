import Distributed
import Testing

@Suite struct StartCheckTests {
  private func start(
    _ worldSize: Int, _ settings: @escaping @Sendable (Int) -> [(key: String, value: String)]
  ) throws {
    _ = try LocalGroup.run(worldSize: worldSize) {
      try $0.requireSameStart(settings: settings($0.rank))
    }
  }

  @Test(arguments: 1...8) func equalSettingsPass(worldSize: Int) throws {
    try start(worldSize) { _ in [("lr", "0.1"), ("seed", "0")] }
  }

  @Test func theFirstSettingThatDiffersIsNamedWithBothValues() {
    let error = #expect(throws: Disagreement.self) {
      try start(3) { [("lr", "0.1"), ("seed", $0 == 2 ? "1" : "0"), ("wd", "\($0)")] }
    }
    // Each rank's wd differs, so no two ranks agree and rank 0 is the reference.
    #expect(error?.oddRanks == [1, 2])
    #expect(error?.detail == "wd is 1 there, 0 on rank 0")
    let second = #expect(throws: Disagreement.self) {
      try start(3) { [("lr", "0.1"), ("seed", $0 == 2 ? "1" : "0"), ("wd", "0")] }
    }
    #expect(
      second?.description == "rank 2 (thread2) disagrees with rank 0 on the configuration: "
        + "seed is 1 there, 0 on rank 0; all ranks must have the same")
  }

  @Test func aSettingThatOnlyOneRankHasIsNamed() {
    let error = #expect(throws: Disagreement.self) {
      try start(2) { $0 == 0 ? [("lr", "0.1")] : [("lr", "0.1"), ("wd", "0")] }
    }
    #expect(error?.detail == "wd is 0 there, absent on rank 0")
  }

  @Test func theProgramHasAnIdentity() { #expect(Build.checksum != nil) }

  @Test func subjectsOnWhichTheSameRanksDifferAreToldTogether() {
    let error = #expect(throws: Disagreement.self) {
      try LocalGroup.run(worldSize: 4) { communicator in
        let isOdd: UInt64 = communicator.rank == 2 ? 1 : 0
        let other: UInt64 = communicator.rank == 3 ? 1 : 0
        try communicator.requireAgreement(onEach: [
          ("build", 7), ("data", isOdd), ("weather", other), ("parameters", isOdd),
        ])
      }
    }
    #expect(error?.subject == "data and parameters" && error?.oddRanks == [2])
    #expect(error?.oddHosts == ["thread2"])
  }
}
