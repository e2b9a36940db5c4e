import Distributed
import Testing

@Suite struct BucketPlanTests {
  /// All lists of `length` sizes, each in 0...4.
  private func sizeLists(_ length: Int) -> [[Int]] {
    (0..<length).reduce([[]]) { lists, _ in lists.flatMap { list in (0...4).map { list + [$0] } } }
  }

  private func withEveryPlan(
    _ body: (_ sizes: [Int], _ firstCap: Int, _ cap: Int, BucketPlan) -> Void
  ) {
    for length in 0...4 {
      for sizes in sizeLists(length) {
        for firstCap in [1, 2, 3] {
          for cap in [1, 3, 6] {
            let plan = BucketPlan(
              sizesInReadyOrder: sizes, firstCap: firstCap * 4, cap: cap * 4)
            body(sizes, firstCap, cap, plan)
          }
        }
      }
    }
  }

  @Test func bucketsFollowOneAnotherFromTheEndToTheBeginning() {
    withEveryPlan { sizes, _, _, plan in
      var end = sizes.reduce(0, +)
      #expect(plan.count == end)
      for bucket in plan.buckets {
        #expect(bucket.upperBound == end && !bucket.isEmpty)
        end = bucket.lowerBound
      }
      #expect(end == 0)
    }
  }

  @Test func capsHoldExceptForOneLargeSlot() {
    withEveryPlan { sizes, firstCap, cap, plan in
      for (index, bucket) in plan.buckets.enumerated() {
        let isWithin = bucket.count <= (index == 0 ? firstCap : cap)
        #expect(isWithin || sizes.contains(bucket.count), "\(sizes) \(firstCap) \(cap) \(plan)")
      }
    }
  }

  @Test func slotsAreNeverSplit() {
    withEveryPlan { sizes, _, _, plan in
      var edge = plan.count
      var edges: Set<Int> = [edge]
      for size in sizes {
        edge -= size
        edges.insert(edge)
      }
      #expect(plan.buckets.allSatisfy { edges.contains($0.lowerBound) })
    }
  }

  @Test func neighboursAreJoinedWheneverTheCapAllows() {
    withEveryPlan { sizes, firstCap, cap, plan in
      let isFull = plan.buckets.indices.dropLast().allSatisfy { index in
        let next = plan.buckets[index + 1]
        // The slot that opened the next bucket: the first non-empty one below this bucket.
        var edge = plan.count
        let opener = sizes.first { size in
          defer { edge -= size }
          return edge == next.upperBound && size > 0
        }
        let limit = index == 0 ? firstCap : cap
        return plan.buckets[index].count + (opener ?? 0) > limit
      }
      #expect(isFull, "\(sizes) \(firstCap) \(cap) \(plan)")
    }
  }

  @Test func theDefaultCapsAreOneAndFourMebibytes() {
    let plan = BucketPlan(sizesInReadyOrder: Array(repeating: 1 << 16, count: 40))
    #expect(plan.buckets.map(\.count) == [1 << 18, 1 << 20, 1 << 20, (1 << 20) / 4])
    #expect(plan.description == "4 buckets of 1024, 4096, 4096, 1024 KiB")
  }
}
