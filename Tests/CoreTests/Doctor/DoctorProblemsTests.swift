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
