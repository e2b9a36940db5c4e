import Distributed
import Testing

@Suite struct BucketPlanTests {
  /// All lists of `length` sizes, each in 0...4.
  private func sizeLists(_ length: Int) -> [[Int]] {
    (0..<length).reduce([[]]) { lists, _ in lists.flatMap { list in (0...4).map { list + [$0] } } }
  }

  private func withEveryPlan(
    _ body: (_ sizes: [Int], _ edgeCap: Int, _ cap: Int, BucketPlan) -> Void
  ) {
    for length in 0...4 {
      for sizes in sizeLists(length) {
        for (edgeCap, cap) in [(1, 1), (1, 3), (2, 3), (3, 3), (2, 6), (3, 6)] {
          let plan = BucketPlan(
            sizesInReadyOrder: sizes, endingAt: sizes.reduce(5, +), edgeCap: edgeCap * 4,
            cap: cap * 4)
          body(sizes, edgeCap, cap, plan)
        }
      }
    }
  }

  @Test func bucketsFollowOneAnotherFromTheEndToTheBeginning() {
    withEveryPlan { sizes, _, _, plan in
      var end = sizes.reduce(5, +)
      #expect(plan.range == 5..<end)
      for bucket in plan.buckets {
        #expect(bucket.upperBound == end && !bucket.isEmpty)
        end = bucket.lowerBound
      }
      #expect(end == 5)
    }
  }

  @Test func slotsFollowOneAnotherToo() {
    withEveryPlan { sizes, _, _, plan in
      #expect(plan.slots.map(\.count) == sizes)
      #expect(plan.slots.reversed().flatMap { Array($0) } == Array(plan.range))
    }
  }

  /// At width 64 what may wait is 12 MiB right below the head; a small network waits for nothing.
  @Test func threeTenthsMayWait() {
    let mebi = 1 << 18
    let wide = BucketPlan(sizesInReadyOrder: [mebi] + Array(repeating: 9 * mebi, count: 5))
    #expect(wide.deferrable == 1..<4)
    #expect(wide.floats(of: wide.deferrable) == 33 * mebi..<45 * mebi)
    let thin = BucketPlan(sizesInReadyOrder: [mebi, mebi, mebi / 2])
    #expect(thin.deferrable.isEmpty && thin.floats(of: thin.deferrable).isEmpty)
    withEveryPlan { sizes, _, _, plan in
      let late = plan.floats(of: plan.deferrable)
      #expect(10 * late.count <= 3 * plan.count, "\(sizes) \(plan)")
      #expect(late.isEmpty || late.upperBound == plan.buckets[0].lowerBound)
      #expect(late.isEmpty || late.lowerBound > plan.range.lowerBound)
    }
  }

  @Test func noBucketExceedsItsCap() {
    withEveryPlan { sizes, edgeCap, cap, plan in
      for (index, bucket) in plan.buckets.enumerated() {
        #expect(bucket.count <= (index == 0 ? edgeCap : cap), "\(sizes) \(edgeCap) \(cap) \(plan)")
      }
      if let first = sizes.last(where: { $0 > 0 }), first <= edgeCap, let last = plan.buckets.last {
        #expect(last.count <= edgeCap, "\(sizes) \(edgeCap) \(cap) \(plan)")
      }
    }
  }

  @Test func slotsNoLargerThanTheCapsAreNeverCut() {
    withEveryPlan { sizes, edgeCap, cap, plan in
      for slot in plan.slots where slot.count <= edgeCap {
        let isWhole = plan.buckets.allSatisfy {
          !(slot.lowerBound < $0.lowerBound && $0.lowerBound < slot.upperBound)
        }
        #expect(isWhole, "\(sizes) \(edgeCap) \(cap) \(plan)")
      }
    }
  }

  @Test func neighboursAreJoinedWheneverTheCapAllows() {
    withEveryPlan { sizes, edgeCap, cap, plan in
      for (index, bucket) in plan.buckets.enumerated().dropLast(2) {
        // The part of a slot that the next bucket begins with.
        let next = plan.buckets[index + 1]
        let opener = plan.slots.first { $0.upperBound == next.upperBound && !$0.isEmpty }?.count
        let limit = index == 0 ? edgeCap : cap
        #expect(
          bucket.count + (opener ?? 1) > limit, "\(sizes) \(edgeCap) \(cap) \(plan)")
      }
    }
  }

  @Test func theDefaultCapsAreOneAndFourMebibytes() {
    let plan = BucketPlan(sizesInReadyOrder: Array(repeating: 1 << 16, count: 40))
    #expect(plan.buckets.map(\.count) == [1 << 18, 1 << 20, 1 << 20, 1 << 18])
    #expect(plan.description == "4 buckets of 1024, 4096, 4096, 1024 KiB")
  }

  @Test func aLargeSlotIsCut() {
    let plan = BucketPlan(sizesInReadyOrder: [100, 3 << 20, 100])
    #expect(plan.description == "5 buckets of 1024, 4096, 4096, 3073, 1 KiB")
  }

  @Test func aLargeSlotIsABucketWhereNoneIsCut() {
    let plan = BucketPlan(sizesInReadyOrder: [100, 3 << 20, 100], cutsSlots: false)
    #expect(plan.description == "3 buckets of 1, 12288, 1 KiB")
    for length in 0...4 {
      for sizes in sizeLists(length) {
        let plan = BucketPlan(sizesInReadyOrder: sizes, edgeCap: 8, cap: 12, cutsSlots: false)
        for slot in plan.slots where !slot.isEmpty {
          #expect(plan.buckets.filter { $0.overlaps(slot) }.count == 1, "\(sizes) \(plan)")
        }
        #expect(plan.buckets.reduce(0) { $0 + $1.count } == plan.count)
      }
    }
  }
}
