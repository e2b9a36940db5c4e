import CollectiveLaws
import Distributed
import Synchronization
import Testing

struct Broken: Error, Equatable, CustomStringConvertible {
  var description: String
}

@Suite struct LocalGroupTests {
  @Test(arguments: 1...8) func everyCollectiveEqualsItsClosedForm(worldSize: Int) throws {
    for count in [0, 1, 4, 1000] {
      _ = try LocalGroup.run(worldSize: worldSize) {
        try CollectiveLaws.checkAll($0, count: count)
      }
    }
  }

  @Test func aWorldOfOneEqualsItsClosedForm() throws {
    for count in [0, 1, 4, 1000] { try CollectiveLaws.checkAll(SoloCommunicator(), count: count) }
  }

  @Test(arguments: 1...8) func resultsComeInRankOrder(worldSize: Int) throws {
    let ranks = try LocalGroup.run(worldSize: worldSize) { [$0.rank, $0.worldSize] }
    #expect(ranks == (0..<worldSize).map { [$0, worldSize] })
  }

  @Test(arguments: 1...8) func nobodyPassesABarrierBeforeAllHaveReachedIt(worldSize: Int) throws {
    let reached = Atomic(0)
    _ = try LocalGroup.run(worldSize: worldSize) { communicator in
      for round in 1...100 {
        reached.add(1, ordering: .sequentiallyConsistent)
        try communicator.barrier()
        let seen = reached.load(ordering: .sequentiallyConsistent)
        guard seen >= round * worldSize else { throw Broken(description: "\(seen) in \(round)") }
      }
    }
  }

  @Test(arguments: 2...8) func aMemberThatThrowsEndsTheOthers(worldSize: Int) {
    for odd in 0..<worldSize {
      #expect(throws: Broken(description: "member \(odd)")) {
        try LocalGroup.run(worldSize: worldSize) { communicator in
          try communicator.barrier()
          if communicator.rank == odd { throw Broken(description: "member \(odd)") }
          try communicator.barrier()
        }
      }
    }
  }

  @Test func theOthersLearnWhoFailed() {
    let seen = Mutex<[String]>([])
    #expect(throws: Broken(description: "x")) {
      try LocalGroup.run(worldSize: 3) { communicator in
        if communicator.rank == 1 { throw Broken(description: "x") }
        do { try communicator.barrier() } catch {
          seen.withLock { $0.append("\(error)") }
          throw error
        }
      }
    }
    #expect(seen.withLock { $0 } == ["rank 1 failed: x", "rank 1 failed: x"])
  }

  @Test func aMemberThatReturnsEarlyEndsTheOthers() {
    #expect(throws: LocalGroupError.memberLeft(rank: 0, operation: "barrier")) {
      try LocalGroup.run(worldSize: 2) { if $0.rank == 1 { try $0.barrier() } }
    }
  }

  @Test func differentCollectivesAtTheSameTimeAreAnError() {
    #expect(throws: LocalGroupError.self) {
      try LocalGroup.run(worldSize: 2) { communicator in
        if communicator.rank == 0 { return try communicator.barrier() }
        _ = try communicator.allGather([])
      }
    }
  }

  @Test func differentLengthsAreAnError() {
    #expect(throws: LocalGroupError.self) {
      try LocalGroup.run(worldSize: 2) { communicator in
        var counts = [Int64](repeating: 1, count: 1 + communicator.rank)
        try communicator.allReduceSum(&counts)
      }
    }
  }
}
