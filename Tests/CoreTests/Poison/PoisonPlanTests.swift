import Core
import Testing

@Suite struct PoisonPlanTests {
  private let labels = (0..<1000).map { $0 % 10 }

  private func plan(
    _ ratio: Double, cleanLabel: Bool = false, target: Int = 0, seed: UInt32 = 0
  ) throws -> [Int] {
    try PoisonPlan.indices(
      labels: labels, ratio: ratio, target: target, cleanLabel: cleanLabel, seed: seed)
  }

  @Test func aRatioOfZeroPoisonsNothing() throws {
    #expect(try plan(0).isEmpty)
    #expect(try plan(0, cleanLabel: true).isEmpty)
  }

  @Test func aRatioOfOnePoisonsEverything() throws { #expect(try plan(1) == Array(0..<1000)) }

  @Test func halvesRoundToTheEvenNeighbourAsInPython() throws {
    for (ratio, count) in [(0.0005, 0), (0.0015, 2), (0.0025, 2), (0.0035, 4), (0.1, 100)] {
      #expect(try plan(ratio).count == count, "\(ratio)")
    }
  }

  @Test func setsOfOneSeedAreNested() throws {
    var smaller: Set<Int> = []
    for ratio in [0.01, 0.05, 0.1, 0.5, 1] {
      let set = Set(try plan(ratio, seed: 3))
      #expect(smaller.isSubset(of: set))
      smaller = set
    }
  }

  @Test func cleanLabelAttacksStayInTheTargetClass() throws {
    let planned = try plan(0.05, cleanLabel: true, target: 4)
    #expect(planned.count == 50)
    #expect(planned.allSatisfy { labels[$0] == 4 })
    #expect(planned == planned.sorted())
  }

  @Test func cleanLabelAttacksCannotUseMoreThanTheirClass() throws {
    #expect(try plan(0.1, cleanLabel: true).count == 100)
    let error = #expect(
      throws: PoisonError.classTooSmall(target: 0, needed: 101, available: 100, of: 1000)
    ) { try plan(0.101, cleanLabel: true) }
    #expect(error?.description.hasSuffix("expected a pratio of at most 0.1") == true)
  }

  @Test(arguments: [
    (5000, 50_000, "0.1"), (500, 50_000, "0.01"), (210, 39_209, "0.00535"),
    (2250, 39_209, "0.0573"), (500, 100_000, "0.005"), (5923, 60_000, "0.0987"), (1, 3, "0.333"),
    (7, 7, "1.0"), (0, 9, "0.0"),
  ])
  func theLargestRatioOfACleanLabelAttackIsNamed(available: Int, count: Int, ratio: String) throws {
    let labels = (0..<count).map { $0 < available ? 0 : 1 }
    let error = PoisonError.classTooSmall(
      target: 0, needed: count, available: available, of: count)
    #expect(error.description.hasSuffix("at most \(ratio)"))
    let planned = try PoisonPlan.indices(
      labels: labels, ratio: Double(ratio) ?? 1, target: 0, cleanLabel: true, seed: 0)
    #expect(planned.count <= available)
  }

  @Test func ratiosOutsideZeroToOneAreRefused() {
    for ratio in [-0.1, 1.5, .nan, .infinity] {
      #expect(throws: PoisonError.self) { try plan(ratio) }
    }
  }
}

@Suite struct LabelTransformTests {
  @Test func allToOneTestsAllClassesButTheTarget() {
    let transform = LabelTransform.allToOne(target: 3)
    #expect((0..<10).map { transform($0) } == .init(repeating: 3, count: 10))
    #expect((0..<10).filter { transform.isTested($0) } == [0, 1, 2, 4, 5, 6, 7, 8, 9])
  }

  @Test func allToAllShiftsEveryClass() {
    let transform = LabelTransform.allToAll(classCount: 4)
    #expect((0..<4).map { transform($0) } == [1, 2, 3, 0])
    #expect((0..<4).allSatisfy { transform.isTested($0) })
  }
}
