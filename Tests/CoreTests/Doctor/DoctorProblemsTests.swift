import Core
import Testing

@Suite struct DoctorProblemsTests {
  /// Ranks on hosts of their own, of which nothing is to be said.
  private func healthy(_ count: Int, sharingHost: Bool = false) -> [RankFacts] {
    (0..<count).map { rank in
      var facts = RankFacts()
      (facts.rank, facts.host) = (rank, sharingHost ? "host" : "host\(rank)")
      (facts.cores, facts.usableCores, facts.threads) = (8, Array(0..<8), 1)
      (facts.memoryBytes, facts.freeMemoryBytes) = (1 << 34, 1 << 33)
      (facts.vectorUnits, facts.build, facts.mpi) = (["AVX2", "FMA"], "b", "Open MPI")
      return facts
    }
  }

  private func problems(
    _ ranks: [RankFacts], _ change: (inout Doctor.Report) -> Void = { _ in }
  ) -> [Doctor.Report.Problem] {
    var report = Doctor.Report(ranks: ranks)
    change(&report)
    return report.problems
  }

  /// What is found where one rank of three differs by `change`; its name has to be in the line.
  private func problem(
    _ change: (inout RankFacts) -> Void
  ) -> Doctor.Report.Problem? {
    var ranks = healthy(3)
    change(&ranks[2])
    let found = problems(ranks) { ($0.record, $0.datasetPath) = ("record", "data") }
    #expect(found.count == 1 && found.first?.text.contains("rank 2 (host2)") == true, "\(found)")
    return found.first
  }

  @Test func healthyRanksHaveNoProblem() {
    for count in 1...4 { #expect(problems(healthy(count)).isEmpty) }
  }

  @Test func anOddRankIsNamedWithWhatToDo() {
    #expect(problem { $0.build = "c" }?.isBroken == true)
    #expect(problem { $0.mpi = "another" }?.isBroken == true)
    #expect(problem { $0.vectorUnits = ["AVX2"] }?.isBroken == true)
    #expect(problem { $0.seesData = false }?.isBroken == true)
    #expect(problem { $0.seesRecord = false }?.isBroken == false)
    #expect(problem { $0.clockAhead = -2.5 }?.isBroken == false)
    #expect(problem { $0.freeMemoryBytes = 1 << 29 }?.isBroken == false)
    #expect(
      problem { $0.openBLASCore = "Prescott" }?.text.contains("OPENBLAS_CORETYPE=Haswell") == true)
    #expect(
      problem {
        $0.openBLASCore = "Nehalem"
        $0.vectorUnits.append("AVX-512")
      }?.text.contains("OPENBLAS_CORETYPE=SkylakeX") == true)
    #expect(problem { $0.usableCores = [3] }?.text.contains("--bind-to none") == true)
    #expect(problem { $0.threads = 9 }?.text.contains("9 threads on 8 cores") == true)
  }

  @Test func aClockThatMayBeRightIsNoProblem() {
    var ranks = healthy(2)
    (ranks[1].clockAhead, ranks[1].clockError) = (2.5, 2)
    #expect(problems(ranks).isEmpty)
  }

  @Test func threadsOfAllRanksOnAHostShareItsCores() {
    var ranks = healthy(4, sharingHost: true)
    for rank in ranks.indices { ranks[rank].threads = 2 }
    #expect(problems(ranks).isEmpty)
    ranks[3].threads = 3
    #expect(problems(ranks).map(\.text).first?.hasPrefix("4 ranks on host: 9 threads") == true)
  }

  @Test func aBoundRankWithMoreThreadsThanCoresIsToldOnce() {
    var ranks = healthy(1)
    (ranks[0].isBound, ranks[0].usableCores, ranks[0].threads) = (true, [0, 1], 4)
    let found = problems(ranks)
    #expect(found.count == 1 && found.first?.isBroken == false)
    #expect(found.first?.text.contains("4 threads, bound to 2 cores of 8") == true, "\(found)")
    ranks[0].threads = 2
    #expect(problems(ranks).isEmpty)
  }

  @Test func aLoneProcessWithASmallMaskIsItsUsersChoice() {
    var ranks = healthy(1)
    ranks[0].usableCores = [3]
    #expect(problems(ranks).isEmpty)
    ranks[0].isBound = true
    #expect(problems(ranks).first?.text.contains("bound to one core of 8") == true)
  }

  @Test func manyRanksThatTakeAllCoresOneEachAreAChoiceToo() {
    var ranks = healthy(8, sharingHost: true)
    for rank in ranks.indices { (ranks[rank].isBound, ranks[rank].usableCores) = (true, [rank]) }
    #expect(problems(ranks).isEmpty)
    #expect(problems(Array(ranks.prefix(2))).count == 1)
  }

  @Test func aContainersQuotaCountsAsCores() {
    var ranks = healthy(2, sharingHost: true)
    for rank in ranks.indices { (ranks[rank].threads, ranks[rank].quota) = (2, 2.5) }
    let found = problems(ranks).map(\.text)
    #expect(found.first?.contains("4 threads on 3 cores by the container's quota") == true)
    for rank in ranks.indices { ranks[rank].quota = 4 }
    #expect(problems(ranks).isEmpty)
  }

  @Test func worldsOfOneAreBroken() {
    var ranks = healthy(1)
    ranks[0].unjoined = "PMI_SIZE=2: 2 processes"
    #expect(problems(ranks).first?.isBroken == true)
  }

  @Test func deniedMemoryIsToldWhereRanksShareAHost() {
    var ranks = healthy(2)
    for rank in ranks.indices { ranks[rank].copyMechanism = "none" }
    #expect(problems(ranks).isEmpty)
    ranks = healthy(2, sharingHost: true)
    for rank in ranks.indices { ranks[rank].copyMechanism = "none" }
    let found = problems(ranks)
    #expect(found.count == 1 && found.first?.isBroken == false)
    #expect(found.first?.text.contains("single_copy_mechanism=none") == true)
    ranks[0].copyMechanism = "cma"
    #expect(problems(ranks).first?.text.contains("(found cma)") == true)
  }

  /// What is found where the pairs of hosts carry so many MB/s.
  private func linkProblems(_ pairs: [(Int, Int, Double)], sharingHost: Bool = false) -> [String] {
    problems(healthy(4, sharingHost: sharingHost)) {
      $0.pairs = pairs.map {
        Doctor.Pair(first: $0.0, second: $0.1, latencySeconds: 0, bytesPerSecond: $0.2 * 1e6)
      }
    }.map(\.text)
  }

  @Test func aSlowLinkIsNamed() {
    let found = linkProblems([(0, 1, 100), (0, 2, 40), (1, 2, 100)])
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("rank 0 (host0) to rank 2 (host2): 40 MB/s") == true)
  }

  @Test func aHostAllOfWhoseLinksAreSlowIsNamedOnce() {
    let found = linkProblems([(0, 1, 100), (0, 2, 8), (1, 2, 7)])
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("rank 2 (host2): at most 8 MB/s") == true)
  }

  @Test func linksOfAboutTheSameSpeedOrWithinAHostAreNoProblem() {
    #expect(linkProblems([(0, 1, 100), (0, 2, 60), (1, 2, 90)]).isEmpty)
    #expect(linkProblems([(0, 1, 8)]).isEmpty)
    #expect(linkProblems([(0, 1, 9000), (0, 2, 100)], sharingHost: true).isEmpty)
  }

  @Test func aFolderThatRankZeroCannotWriteToIsBroken() {
    let found = problems(healthy(1)) {
      ($0.record, $0.recordFailure) = ("/x", "cannot write /x: Read-only file system")
    }
    #expect(found.count == 1 && found.first?.isBroken == true)
  }
}
