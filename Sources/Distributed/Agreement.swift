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
  /// What the difference is, where that is known, for example "lr is 0.1 there".
  public var detail: String?

  /// One line naming the odd ranks, their hosts and the rank they were compared with.
  public var description: String {
    let odd = zip(oddRanks, oddHosts).map { "rank \($0) (\($1))" }.joined(separator: ", ")
    let verb = oddRanks.count == 1 ? "disagrees" : "disagree"
    return "\(odd) \(verb) with rank \(referenceRank) on the \(subject)"
      + (detail.map { ": \($0)" } ?? "") + "; all ranks must have the same"
  }
}

extension Communicator {
  /// Throws `Disagreement`, on all ranks alike, unless `value` is the same on every rank.
  ///
  /// One all-gather of a checksum; `subject` names what `value` is, for the message.
  public func requireAgreement(on subject: String, _ value: String) throws {
    try requireAgreement(on: subject, Checksum.of(value))
  }

  /// Throws `Disagreement`, on all ranks alike, unless `checksum` is the same on every rank.
  public func requireAgreement(on subject: String, _ checksum: UInt64) throws {
    try requireAgreement(onEach: [(subject, checksum)])
  }

  /// Throws `Disagreement`, on all ranks alike, unless each checksum is the same on every rank.
  ///
  /// One all-gather for all of them. The error is about the first subject on which ranks differ,
  /// and about those after it on which the same ranks differ.
  public func requireAgreement(onEach properties: [(subject: String, checksum: UInt64)]) throws {
    guard worldSize > 1 else { return }
    let all = try allGather(AgreementNote(properties.map(\.checksum), host: hostName).bytes)
      .map(AgreementNote.init(bytes:))
    var first: (odd: [Int], reference: Int)?
    var subjects: [String] = []
    for (index, property) in properties.enumerated() {
      let sums = all.map { $0.checksums.indices.contains(index) ? $0.checksums[index] : nil }
      guard let reference = Self.majority(sums) else { continue }
      let odd = sums.indices.filter { sums[$0] != sums[reference] }
      guard !odd.isEmpty, first == nil || first?.odd == odd else { continue }
      if first == nil { first = (odd, reference) }
      subjects.append(property.subject)
    }
    guard let first else { return }
    throw Disagreement(
      subject: Self.list(subjects), oddRanks: first.odd, oddHosts: first.odd.map { all[$0].host },
      referenceRank: first.reference)
  }

  /// The first index of the most frequent value; of equally frequent ones the earliest.
  private static func majority<Value: Hashable>(_ values: [Value]) -> Int? {
    var counts: [Value: Int] = [:]
    for value in values { counts[value, default: 0] += 1 }
    let most = counts.values.max()
    return values.firstIndex { counts[$0] == most }
  }

  private static func list(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " and " + last
  }
}

/// What a rank puts down for the others to compare: its checksums and its host's name.
private struct AgreementNote {
  let checksums: [UInt64]
  let host: String

  init(_ checksums: [UInt64], host: String) { (self.checksums, self.host) = (checksums, host) }

  /// The note in `bytes`; one without checksums where they are no note.
  init(bytes: [UInt8]) {
    let count = min(Int(bytes.first ?? 0), (bytes.count - 1) / 8)
    checksums = [UInt64](littleEndian: bytes.dropFirst().prefix(max(count, 0) * 8))
    host = String(decoding: bytes.dropFirst(1 + checksums.count * 8), as: UTF8.self)
  }

  var bytes: [UInt8] {
    precondition(checksums.count < 256, "\(checksums.count) properties compared at once")
    return [UInt8(checksums.count)] + checksums.littleEndianBytes + Array(host.utf8)
  }
}
