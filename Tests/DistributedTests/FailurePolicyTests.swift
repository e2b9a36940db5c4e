import Distributed
import Testing

@Suite struct FailurePolicyTests {
  @Test func successOnAllRanksGivesEachItsOwnResult() throws {
    let results = try LocalGroup.run(worldSize: 4) { communicator in
      try communicator.together { communicator.rank * 10 }
    }
    #expect(results == [0, 10, 20, 30])
  }

  @Test func oneFailureIsThrownOnAllRanksAlike() throws {
    for odd in 0..<4 {
      let caught = try LocalGroup.run(worldSize: 4) { communicator -> SharedFailure? in
        do {
          try communicator.together {
            if communicator.rank == odd { throw Broken(description: "no file") }
          }
          return nil
        } catch let failure as SharedFailure { return failure }
      }
      for failure in caught {
        #expect(failure?.rank == odd && failure?.message == "no file")
        #expect(failure?.description == "rank \(odd) (thread\(odd)): no file")
      }
    }
  }

  @Test func aFailureOfAllRanksNamesNoRank() throws {
    let texts = try LocalGroup.run(worldSize: 3) { communicator -> String in
      do {
        return try communicator.together { throw Broken(description: "bad\ninput") }
      } catch { return "\(error)" }
    }
    #expect(texts == ["bad\ninput", "bad\ninput", "bad\ninput"])
  }

  @Test func withoutItsRankAFailureIsItsMessage() throws {
    let texts = try LocalGroup.run(worldSize: 2) { communicator in
      let failure = try communicator.firstFailure(communicator.rank == 0 ? "no file" : nil)
      return "\(failure?.withoutRank.description ?? "")"
    }
    #expect(texts == ["no file", "no file"])
  }

  @Test func theLowestOfSeveralFailuresIsTold() throws {
    let failures = try LocalGroup.run(worldSize: 4) { communicator in
      try communicator.firstFailure(communicator.rank > 1 ? "rank \(communicator.rank)" : nil)
    }
    #expect(failures.allSatisfy { $0?.rank == 2 && $0?.message == "rank 2" })
  }

  @Test func phasesMayBeNested() throws {
    let texts = try LocalGroup.run(worldSize: 2) { communicator -> String in
      do {
        return try communicator.together {
          try communicator.together {
            if communicator.rank == 1 { throw Broken(description: "inner") }
            return "none"
          }
        }
      } catch { return "\(error)" }
    }
    #expect(texts == ["rank 1 (thread1): inner", "rank 1 (thread1): inner"])
  }

  @Test func aWorldOfOneThrowsTheErrorItself() {
    #expect(throws: Broken(description: "x")) {
      try SoloCommunicator().together { throw Broken(description: "x") }
    }
  }

  @Test func configurationsThatDifferAreRefused() {
    let error = #expect(throws: Disagreement.self) {
      try LocalGroup.run(worldSize: 4) { communicator in
        try communicator.requireAgreement(
          on: "configuration", communicator.rank == 2 ? "lr 0.1" : "lr 0.01")
      }
    }
    #expect(
      error?.description == "rank 2 (thread2) disagrees with rank 0 on the configuration; "
        + "all ranks must have the same")
  }
}
