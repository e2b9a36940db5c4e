import Distributed
import Testing

@Suite struct LowRankPlanTests {
  /// In the order of readiness: a vector, a small matrix, a large one, a vector, a large one.
  private static let plan = BucketPlan(
    sizesInReadyOrder: [10, 12, 640, 0, 8, 320], rowsInReadyOrder: [1, 3, 20, 1, 1, 16],
    endingAt: 1000, edgeCap: 1360, cap: 1360, cutsSlots: false)

  @Test func largeMatricesTravelAsFactors() {
    #expect(Self.plan.buckets == [978..<1000, 338..<978, 10..<338])
    let plan = LowRankPlan(Self.plan, rank: 2)
    #expect(plan.buckets[0].matrices.isEmpty)
    #expect(plan.buckets[0].plain.map(\.floats) == [990..<1000, 978..<990])
    #expect(plan.buckets[0].plain.map(\.place) == [0, 10])
    #expect(plan.buckets[0].firstCount == 22 && plan.buckets[0].down.isEmpty)
    let large = plan.buckets[1].matrices
    #expect(large.map(\.floats) == [338..<978] && plan.buckets[1].plain.isEmpty)
    #expect(large.map(\.rows) == [20] && large.map(\.columns) == [32])
    #expect(plan.buckets[1].firstCount == 64 && plan.buckets[1].down == 0..<40)
    let last = plan.buckets[2].matrices
    #expect(last.map(\.floats) == [10..<330] && last.map(\.across) == [8])
    #expect(last.map(\.rows) == [16] && last.map(\.columns) == [20] && last.map(\.down) == [40])
    #expect(plan.buckets[2].plain.map(\.floats) == [330..<338])
    #expect(plan.buckets[2].firstCount == 48 && plan.buckets[2].down == 40..<72)
    #expect(plan.downCount == 72)
  }

  /// 16 x 20 by 4 columns would be 144 of 320 floats, by 5 columns 180.
  @Test func factorsOfMoreThanHalfDoNotPay() {
    #expect(LowRankPlan(Self.plan, rank: 4).buckets[2].matrices.count == 1)
    #expect(LowRankPlan(Self.plan, rank: 5).buckets[2].matrices.isEmpty)
  }
}
