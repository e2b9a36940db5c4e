// Note [One failure ends all]: whatever goes wrong, all ranks end with one message and an exit
// status that is not zero. Two ways lead there, and `MPIEnvironment.run` walks both. While all
// ranks do the same thing that may fail (read options, open files), the phase runs inside
// `together`: all learn of the failure and throw the same error, rank 0 prints it, MPI is
// finalised, each exits. A failure outside such a phase is known to one rank alone, the others wait
// in a collective: that rank takes its turn (`waitForTurnToFail`), prints, and aborts.

/// An error that is thrown on all ranks alike, so that none of them waits for another.
public protocol ThrownOnAllRanks: Error {}

/// An error that may be a mistake in flags or configuration files rather than in data or machines.
public protocol UserMistake: Error {
  /// Whether it is one.
  var isUserMistake: Bool { get }
}

/// A failure that all ranks know of, in the same words.
public struct SharedFailure: ThrownOnAllRanks, UserMistake, Equatable, Sendable,
  CustomStringConvertible
{
  /// The lowest rank that failed.
  public let rank: Int
  /// That rank's host.
  public let hostName: String
  /// That rank's message, one line.
  public let message: String
  /// Whether every rank failed with this very message: bad input rather than one bad machine.
  public let isEverywhere: Bool
  /// Whether that rank's failure is a mistake in flags or configuration.
  public var isUserMistake = false

  /// The message; with rank and host where the failure is not everywhere.
  public var description: String {
    isEverywhere ? message : "rank \(rank) (\(hostName)): \(message)"
  }

  /// The same failure told without its rank: for a phase in which one rank alone does anything.
  public var withoutRank: SharedFailure {
    SharedFailure(
      rank: rank, hostName: hostName, message: message, isEverywhere: true,
      isUserMistake: isUserMistake)
  }
}

extension Communicator {
  /// What failed, if any rank has a message; all ranks call this, and get the same answer.
  public func firstFailure(
    _ message: String?, isUserMistake: Bool = false
  ) throws -> SharedFailure? {
    var mine: [UInt8] = [0]
    if let message { mine = [isUserMistake ? 2 : 1] + Array("\(hostName)\n\(message)".utf8) }
    let all = try allGather(mine)
    guard let rank = all.firstIndex(where: { $0.first != 0 }) else { return nil }
    let texts = all.map { text(of: $0) }
    guard let first = texts[rank] else { return nil }
    return SharedFailure(
      rank: rank, hostName: first.host, message: first.message,
      isEverywhere: texts.allSatisfy { $0?.message == first.message },
      isUserMistake: all[rank].first == 2)
  }

  /// Runs `body` on this rank and returns its result if it succeeded on all ranks.
  ///
  /// Throws `SharedFailure`, on all ranks alike, if `body` threw on any; in a world of one `body`'s
  /// own error. `body` may use collectives only where it cannot throw between them. See Note [One
  /// failure ends all].
  public func together<Result>(_ body: () throws -> Result) throws -> Result {
    guard worldSize > 1 else { return try body() }
    let result = Swift.Result { try body() }
    var message: String?
    var isUserMistake = false
    if case .failure(let error) = result {
      if error is any ThrownOnAllRanks { throw error }
      message = "\(error)"
      isUserMistake = (error as? any UserMistake)?.isUserMistake ?? false
    }
    if let failure = try firstFailure(message, isUserMistake: isUserMistake) { throw failure }
    return try result.get()
  }

  private func text(of bytes: [UInt8]) -> (host: String, message: String)? {
    guard let kind = bytes.first, kind != 0 else { return nil }
    let parts = String(decoding: bytes.dropFirst(), as: UTF8.self)
      .split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
    return (String(parts.first ?? ""), String(parts.last ?? ""))
  }
}
