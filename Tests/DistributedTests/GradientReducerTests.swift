import Distributed
import Testing

@Suite struct GradientReducerTests {
  private static let sizeLists = [[], [1], [3, 0, 5], [100, 7, 1, 400]]

  private static func plan(_ sizes: [Int], offset: Int = 0) -> BucketPlan {
    BucketPlan(
      sizesInReadyOrder: sizes, endingAt: sizes.reduce(offset, +), edgeCap: 8, cap: 64)
  }

  /// Rank r's gradient i is 1000 r + i; the first `offset` are not in the plan and stay.
  private static func expected(_ plan: BucketPlan, worldSize: Int, rank: Int) -> [Float] {
    let ranks = 1000 * worldSize * (worldSize - 1) / 2
    return (0..<plan.range.upperBound).map {
      Float(plan.range ~= $0 ? ranks + worldSize * $0 : rank * 1000 + $0)
    }
  }

  @Test(arguments: 1...8) func everyGradientIsSummedOnce(worldSize: Int) throws {
    for sizes in Self.sizeLists {
      let plan = Self.plan(sizes, offset: 2)
      let results = try LocalGroup.run(worldSize: worldSize) { communicator in
        let gradients = FloatBuffer(
          (0..<plan.range.upperBound).map { Float(communicator.rank * 1000 + $0) })
        try GradientReducer(communicator: communicator, gradients: gradients, plan: plan).reduce()
        return gradients.array
      }
      for (rank, result) in results.enumerated() {
        #expect(result == Self.expected(plan, worldSize: worldSize, rank: rank))
      }
    }
  }

  /// Whatever the order in which gradients become ready: other orders on other ranks too.
  @Test(arguments: 1...4) func anyReadyOrderGivesTheSameSums(worldSize: Int) throws {
    let plan = Self.plan([100, 7, 1, 400])
    let results = try LocalGroup.run(worldSize: worldSize) { communicator in
      let gradients = FloatBuffer(count: plan.count)
      let reducer = GradientReducer(communicator: communicator, gradients: gradients, plan: plan)
      let statistics = FloatBuffer([Float(communicator.rank + 1)])
      for step in 0..<4 {
        reducer.begin()
        reducer.add(statistics, named: "statistics")
        for turn in plan.slots.indices {
          let slot = plan.slots[(turn + step + communicator.rank) % plan.slots.count]
          for i in slot { gradients.pointer[i] = Float(communicator.rank * 1000 + i) }
          reducer.markReady(slot)
        }
        try reducer.finish()
        guard gradients.array == Self.expected(plan, worldSize: worldSize, rank: 0) else {
          throw Broken(description: "step \(step)")
        }
      }
      return (statistics.array, reducer.report.buckets.map(\.name))
    }
    let sum = Float(worldSize * (worldSize + 1) / 2)
    var statistics = sum
    for _ in 1..<4 { statistics *= Float(worldSize) }
    for (summed, names) in results {
      #expect(summed == [statistics])
      #expect(worldSize == 1 ? names.isEmpty : names.count == plan.buckets.count + 1)
      #expect(worldSize == 1 || names[1] == "bucket 1 of step 4", "\(names)")
    }
  }

  /// The first bucket is summed while later gradients are not ready on any rank yet.
  @Test func aFullBucketIsSummedBeforeTheLastGradientIsReady() throws {
    let plan = Self.plan([16, 16, 16])
    _ = try LocalGroup.run(worldSize: 2) { communicator in
      let gradients = FloatBuffer([Float](repeating: 1, count: plan.count))
      let reducer = GradientReducer(communicator: communicator, gradients: gradients, plan: plan)
      reducer.begin()
      reducer.markReady(plan.slots[0])
      // The barrier is handed over after the bucket: once it is passed, the bucket is done.
      try communicator.barrier()
      guard gradients.array.last == 2, gradients.array.first == 1 else {
        throw Broken(description: "\(gradients.array)")
      }
      plan.slots[1...].forEach(reducer.markReady)
      try reducer.finish()
    }
  }

  /// Deferred buckets keep each rank's own gradients until they are asked for.
  @Test func deferredBucketsAreSummedWhenAskedFor() throws {
    let plan = Self.plan([8, 8, 8, 8, 8])
    let deferred = plan.buckets.indices.dropFirst().prefix(1)
    let late = plan.floats(of: deferred)
    try LocalGroup.run(worldSize: 2) { communicator in
      let gradients = FloatBuffer(count: plan.count)
      let reducer = GradientReducer(
        communicator: communicator, gradients: gradients, plan: plan, deferred: deferred)
      for step in 1...2 {
        for i in 0..<plan.count where step == 1 || !late.contains(i) {
          gradients.pointer[i] = Float(step)
        }
        reducer.beginDeferred()
        reducer.begin()
        try reducer.finishDeferred()
        let summed = gradients.array
        guard step == 1 || late.allSatisfy({ summed[$0] == 2 }) else {
          throw Broken(description: "not summed by step 2: \(summed)")
        }
        for i in late { gradients.pointer[i] = Float(step) }
        reducer.markAllReady()
        try reducer.finish()
        let expected = (0..<plan.count).map { Float(late.contains($0) ? step : 2 * step) }
        guard gradients.array == expected else {
          throw Broken(description: "step \(step): \(gradients.array)")
        }
      }
      let names = reducer.report.buckets.map(\.name)
      guard names.first == "bucket 2 of step 1", names.count == plan.buckets.count else {
        throw Broken(description: "\(names)")
      }
    }
  }

  @Test func aMemberThatThrowsEndsTheOthersInFinish() {
    let plan = Self.plan([16, 16, 16])
    #expect(throws: Broken(description: "backward")) {
      try LocalGroup.run(worldSize: 3) { communicator in
        let reducer = GradientReducer(
          communicator: communicator, gradients: FloatBuffer(count: plan.count), plan: plan)
        reducer.begin()
        reducer.markReady(plan.slots[0])
        if communicator.rank == 1 { throw Broken(description: "backward") }
        plan.slots[1...].forEach(reducer.markReady)
        try reducer.finish()
      }
    }
  }
}

/// Programming errors end the process; each is shown in a process of its own.
@Suite struct GradientReducerMisuseTests {
  private static func reducer() -> GradientReducer {
    let plan = BucketPlan(sizesInReadyOrder: [4, 4])
    let reducer = GradientReducer(
      communicator: SoloCommunicator(), gradients: FloatBuffer(count: 8), plan: plan)
    reducer.begin()
    return reducer
  }

  @Test func aGradientReadyTwiceIsAnError() async {
    await #expect(processExitsWith: .failure) {
      let reducer = GradientReducerMisuseTests.reducer()
      reducer.markReady(4..<8)
      reducer.markReady(4..<8)
    }
  }

  @Test func aGradientNeverReadyIsAnError() async {
    await #expect(processExitsWith: .failure) {
      let reducer = GradientReducerMisuseTests.reducer()
      reducer.markReady(4..<8)
      try reducer.finish()
    }
  }
}
