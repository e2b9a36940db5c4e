import Distributed
import Foundation

extension Communicator {
  /// Runs `body` on rank 0 alone; its failure is every rank's, in the same words.
  func onRankZero(_ body: () throws -> Void) throws {
    _ = try onlyOnRankZero(else: ()) { try body() }
  }

  /// `body`'s result on rank 0, `other` elsewhere; a failure does not name rank 0, which says
  /// nothing.
  private func onlyOnRankZero<Result>(
    else other: Result, _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try expectingWaits { try together { rank == 0 ? try body() : other } }
    } catch let failure as SharedFailure where failure.rank == 0 {
      throw failure.withoutRank
    }
  }

  /// The images of the largest of the shares that the ranks take of a batch of `batchSize`.
  func largestShare(of batchSize: Int) -> Int { (batchSize + worldSize - 1) / worldSize }

  /// What `body` yields on rank 0, on every rank; its failure is every rank's.
  ///
  /// `Value` travels as JSON: meant for settings and small lists.
  func fromRankZero<Value: Codable>(_ body: () throws -> Value) throws -> Value {
    guard worldSize > 1 else { return try body() }
    let mine = try onlyOnRankZero(else: []) { Array(try JSONEncoder().encode(try body())) }
    let bytes = try fromRankZero(bytes: mine)
    return try JSONDecoder().decode(Value.self, from: Data(bytes))
  }

  /// Rank 0's `bytes`, on every rank.
  func fromRankZero(bytes: [UInt8]) throws -> [UInt8] {
    guard worldSize > 1 else { return bytes }
    var length = [Int64(rank == 0 ? bytes.count : 0)]
    try allReduceSum(&length)
    var bytes = rank == 0 ? bytes : [UInt8](repeating: 0, count: Int(length[0]))
    try bytes.withUnsafeMutableBytes { try broadcast($0, from: 0) }
    return bytes
  }

  /// Gives every rank rank 0's parameters, running statistics and batch counters.
  func broadcast(_ store: ParameterStore) throws {
    guard worldSize > 1 else { return }
    try broadcast(store.values.bytes, from: 0)
    try broadcast(store.buffers.bytes, from: 0)
    try store.batchesTracked.withUnsafeMutableBytes { try broadcast($0, from: 0) }
  }
}
