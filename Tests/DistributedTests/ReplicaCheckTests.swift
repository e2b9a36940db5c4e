import Distributed
import Testing

@Suite struct ReplicaCheckTests {
  private func verify(_ communicator: any Communicator, oddRanks: Set<Int>, bit: Int) throws {
    let buffer = FloatBuffer((0..<33).map { Float($0) / 7 })
    if oddRanks.contains(communicator.rank) { buffer.bytes[bit / 8] ^= UInt8(1 << (bit % 8)) }
    try ReplicaCheck.verify(buffer, layout: "a [33]", subject: "parameters", on: communicator)
  }

  @Test(arguments: 1...8) func equalReplicasPass(worldSize: Int) throws {
    _ = try LocalGroup.run(worldSize: worldSize) { try verify($0, oddRanks: [], bit: 0) }
  }

  @Test func everySingleFlippedBitIsFound() {
    for bit in 0..<33 * 32 {
      #expect(throws: Disagreement.self) {
        try LocalGroup.run(worldSize: 2) { try verify($0, oddRanks: [1], bit: bit) }
      }
    }
  }

  @Test func theOddRanksAndTheirHostsAreNamed() {
    let error = #expect(throws: Disagreement.self) {
      try LocalGroup.run(worldSize: 5) { try verify($0, oddRanks: [0, 3], bit: 77) }
    }
    #expect(error?.oddRanks == [0, 3])
    #expect(
      error?.description == "rank 0 (thread0), rank 3 (thread3) disagree with rank 1 on the "
        + "parameters; all ranks must have the same")
  }

  @Test func rankZeroIsTheReferenceWhereNoSideIsLarger() {
    let error = #expect(throws: Disagreement.self) {
      try LocalGroup.run(worldSize: 2) { try verify($0, oddRanks: [0], bit: 5) }
    }
    #expect(error?.oddRanks == [1] && error?.referenceRank == 0)
  }

  @Test func twoFlippedSignsDoNotCancel() {
    let values = (0..<8).map(Float.init)
    func checksum(_ values: [Float]) -> UInt64 { values.withUnsafeBytes(Checksum.of) }
    for i in values.indices {
      for j in values.indices where j != i {
        var flipped = values
        flipped[i].negate()
        flipped[j].negate()
        #expect(checksum(flipped) != checksum(values), "\(i) \(j)")
      }
    }
  }

  @Test func lengthAndUnalignedTailCount() {
    let sums = (0...40).map { length in
      [UInt8](repeating: 0, count: length).withUnsafeBytes(Checksum.of)
    }
    #expect(Set(sums).count == sums.count)
  }

  @Test func anotherLayoutIsFoundFirst() {
    let error = #expect(throws: Disagreement.self) {
      try LocalGroup.run(worldSize: 3) { communicator in
        let shape = communicator.rank == 1 ? "a [2, 3]" : "a [3, 2]"
        try ReplicaCheck.verify(
          FloatBuffer(count: 6), layout: shape, subject: "parameters", on: communicator)
      }
    }
    #expect(error?.subject == "layout of the parameters" && error?.oddRanks == [1])
  }
}
