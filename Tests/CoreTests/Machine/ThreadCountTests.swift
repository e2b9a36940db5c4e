import Core
import Testing

/// The threads of a rank follow from its mask, its container's quota and its host's other ranks.
@Suite struct ThreadCountTests {
  private func threads(
    _ allowed: Int, of parent: Int = 64, quota: Double? = nil,
    _ environment: [String: String] = [:], requested: Int? = nil
  ) -> Int {
    ThreadCount.resolve(
      requested: requested, environment: environment,
      processors: Processors(
        online: 64, allowed: Array(0..<allowed), parentAllowed: Array(0..<parent), quota: quota))
  }

  @Test func aLoneProcessTakesItsWholeMask() {
    for count in [1, 2, 4, 63, 64] { #expect(threads(count) == count) }
    #expect(threads(4, of: 4) == 4)
  }

  @Test func whatIsAskedForCounts() {
    #expect(threads(4, requested: 7) == 7)
    #expect(threads(4, ["OMP_NUM_THREADS": "3"]) == 3)
    #expect(threads(4, ["OMP_NUM_THREADS": "many"]) == 4)
    #expect(threads(4, ["OMP_NUM_THREADS": "0"]) == 4)
  }

  @Test func aQuotaIsRoundedUpAndNeverRaisesTheCount() {
    for (quota, count) in [(0.01, 1), (0.5, 1), (1, 1), (1.5, 2), (3, 3), (3.9, 4), (64, 8)] {
      #expect(threads(8, quota: quota) == count, "\(quota)")
    }
  }

  @Test func ranksWithoutABindingShareTheMaskAndTheQuota() {
    let four = ["OMPI_COMM_WORLD_LOCAL_SIZE": "4", "OMPI_COMM_WORLD_SIZE": "8"]
    #expect(threads(64, four) == 16)
    // A job of 4 of the host's processors: its launcher has no more than its ranks.
    #expect(threads(4, of: 4, four) == 1)
    #expect(threads(2, of: 2, four) == 1)
    #expect(threads(64, quota: 8, four) == 2)
  }

  @Test func aBoundRankHasItsProcessorsToItself() {
    var four = ["OMPI_COMM_WORLD_LOCAL_SIZE": "4", "OMPI_COMM_WORLD_SIZE": "4"]
    #expect(threads(8, of: 64, four) == 8)
    #expect(threads(8, of: 64, quota: 16, four) == 4)
    // A script between launcher and rank has the rank's mask; the launcher's variable says so.
    #expect(threads(8, of: 8, four) == 2)
    four["OMPI_MCA_orte_bound_at_launch"] = "1"
    #expect(threads(8, of: 8, four) == 8)
  }

  @Test func slurmsTasksOnANodeShareIt() {
    var step = ["PMIX_RANK": "5", "SLURM_STEP_TASKS_PER_NODE": "4(x2),1"]
    for (node, count) in [(0, 2), (1, 2), (2, 8)] {
      step["SLURM_NODEID"] = "\(node)"
      #expect(threads(8, of: 8, step) == count)
    }
    // In a shell of an allocation the same variables speak of no ranks.
    step["PMIX_RANK"] = nil
    #expect(threads(8, of: 8, step) == 8)
  }

  @Test(
    arguments: [
      ("0-3,8", [0, 1, 2, 3, 8]), (" 5\n", [5]), ("", []), ("x", []), ("3-1", []), ("-2", []),
      ("0-99999999999", []),
    ] as [(String, [Int])])
  func kernelsListProcessorsAsRanges(list: String, expected: [Int]) {
    #expect(Processors.numbers(list) == expected)
  }

  @Test func thisProcessMayUseWhatItsSystemSays() {
    let found = Processors.current
    #expect((1...found.online).contains(found.usable))
    #expect(found.allowed.count <= found.online)
    #expect(found.allowed == Array(Set(found.allowed)).sorted())
  }
}
