/// A property that all ranks must share was found to differ.
public struct Disagreement: ThrownOnAllRanks, Equatable, Sendable, CustomStringConvertible {
  /// What was compared, for example "configuration".
  public let subject: String
  /// The ranks that differ from the majority, in order.
  public let oddRanks: [Int]
  /// The hosts of `oddRanks`.
  public let oddHosts: [String]
  /// The lowest rank of the majority; where no side is larger, rank 0's side is taken for it.
  public let referenceRank: Int

  /// One line naming the odd ranks, their hosts and the rank they were compared with.
  public var description: String {
    let odd = zip(oddRanks, oddHosts).map { "rank \($0) (\($1))" }.joined(separator: ", ")
    let verb = oddRanks.count == 1 ? "disagrees" : "disagree"
    return "\(odd) \(verb) with rank \(referenceRank) on the \(subject); "
      + "all ranks must have the same"
  }
}

extension Communicator {
  /// Throws `Disagreement`, on all ranks alike, unless `value` is the same on every rank.
  ///
  /// The check before training starts: configuration, data, build. One all-gather of a checksum;
  /// `subject` names what `value` is, for the message.
  public func requireAgreement(on subject: String, _ value: String) throws {
    try requireAgreement(on: subject, Array(value.utf8).withUnsafeBytes(Checksum.of))
  }

  /// Throws `Disagreement`, on all ranks alike, unless `checksum` is the same on every rank.
  public func requireAgreement(on subject: String, _ checksum: UInt64) throws {
    guard worldSize > 1 else { return }
    let mine = withUnsafeBytes(of: checksum.littleEndian) { Array($0) } + Array(hostName.utf8)
    let all = try allGather(mine)
    let sums = all.map { Array($0.prefix(8)) }
    guard let reference = Self.majority(sums) else { return }
    let odd = sums.indices.filter { sums[$0] != sums[reference] }
    guard !odd.isEmpty else { return }
    throw Disagreement(
      subject: subject, oddRanks: odd,
      oddHosts: odd.map { String(decoding: all[$0].dropFirst(8), as: UTF8.self) },
      referenceRank: reference)
  }

  /// The first index of the most frequent value; of equally frequent ones the earliest.
  private static func majority(_ values: [[UInt8]]) -> Int? {
    var counts: [[UInt8]: Int] = [:]
    for value in values { counts[value, default: 0] += 1 }
    let most = counts.values.max()
    return values.firstIndex { counts[$0] == most }
  }
}
