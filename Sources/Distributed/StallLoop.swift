import Foundation
import Synchronization

/// What the watching thread does: sends heartbeats, listens, judges.
///
/// `@unchecked`: all but `isStopped` belongs to that thread.
final class StallLoop: @unchecked Sendable {
  /// A rank and where it listens.
  struct Peer {
    var host: String
    var port: UInt16
    var addresses: [String]
  }

  private static let interval = 1.0
  /// Ranks that hear and judge.
  private static let judges = 2
  /// Seconds after the limit when a rank ends that no judge has ended.
  private static let grace = 10.0
  /// A rank that was heard of and is silent for so many seconds ends the run before the limit for
  /// late ones: its host, its link or its process is gone, and waiting does not help.
  private static let silenceExit = 12.0

  private let job: UInt64
  private let rank: Int
  private let peers: [Peer]
  private let progress: CollectiveProgress
  private let socket: HeartbeatSocket?
  private let limits: StallLimits
  private let warn: @Sendable (String) -> Void
  private let end: @Sendable (String?) -> Void
  private let isStopped = Atomic(false)

  private var last: [(beat: Heartbeat, at: ContinuousClock.Instant)?]
  private var warnedOf = 0
  private var warnedSilent: Set<Int> = []

  init(
    job: UInt64, rank: Int, peers: [Peer], progress: CollectiveProgress, socket: HeartbeatSocket?,
    limits: StallLimits, warn: @escaping @Sendable (String) -> Void,
    end: @escaping @Sendable (String?) -> Void
  ) {
    (self.job, self.rank, self.peers, self.progress) = (job, rank, peers, progress)
    (self.socket, self.limits, self.warn, self.end) = (socket, limits, warn, end)
    last = Array(repeating: nil, count: peers.count)
  }

  func stop() { isStopped.store(true, ordering: .relaxed) }

  func run() {
    var sent: ContinuousClock.Instant?
    var turned = ContinuousClock.now
    while !isStopped.load(ordering: .relaxed) {
      if turned.duration(to: .now).seconds > StallJudgement.silenceLimit { forgive() }
      turned = .now
      if sent.map({ $0.duration(to: .now).seconds >= Self.interval }) ?? true {
        sendHeartbeats()
        sent = .now
      }
      listen()
      look()
    }
  }

  /// This process itself stood still, and perhaps all others: their silence says nothing.
  private func forgive() {
    for rank in last.indices { last[rank]?.at = .now }
  }

  /// Ends this rank, and has the others that can be reached end without a word.
  private func endAll(_ message: String) {
    for _ in 0..<3 { sendHeartbeats(isLast: true) }
    end(message)
  }

  private func sendHeartbeats(isLast: Bool = false) {
    let position = progress.position
    let beat = Heartbeat(
      job: job, rank: rank, begun: position.begun, isWaiting: position.since != nil,
      isLast: isLast)
    // Judges tell everybody, so that a rank that is cut off knows of it.
    let heard = rank < Self.judges ? peers.count : Self.judges
    for (other, peer) in peers.enumerated().prefix(heard) where other != rank {
      for address in peer.addresses { socket?.send(beat.bytes, to: address, port: peer.port) }
    }
  }

  private func listen() {
    guard let socket else { return Thread.sleep(forTimeInterval: 0.25) }
    for beat in socket.receive(within: 0.25)
    where beat.job == job && last.indices.contains(beat.rank) && beat.rank != rank {
      if beat.isLast { return end(nil) }
      last[beat.rank] = (beat, .now)
      warnedSilent.remove(beat.rank)
    }
  }

  private func look() {
    let position = progress.position
    let waited = position.since.map { $0.duration(to: .now).seconds } ?? 0
    guard rank < Self.judges else { return lookAlone(position, waited) }
    let judgement = judgement(position)
    guard judgement.speaks else { return }
    let isExpected = position.isPaused && position.since != nil
    func exceeds(_ limit: Double) -> Bool {
      guard limit > 0, waited > limit else { return false }
      return !isExpected || !judgement.silent(for: limit).isEmpty
    }
    let isWaiting = position.since != nil
    let isGone = isWaiting && !judgement.silent(for: silenceExit).isEmpty
    if exceeds(limits.exit) || isGone {
      return endAll(judgement.message(waiting: waited, name: progress.name(of:)) + "; ending")
    }
    warnOfSilence(judgement)
    if exceeds(limits.warning), warnedOf != position.begun {
      warnedOf = position.begun
      warn(judgement.message(waiting: waited, name: progress.name(of:)))
    }
  }

  /// A rank that answered and no longer does is told of at once: its link or host may be down, and
  /// the launcher may end the run before any limit.
  private func warnOfSilence(_ judgement: StallJudgement) {
    guard limits.warning > 0 else { return }
    for silent in judgement.silent() where warnedSilent.insert(silent).inserted {
      let seconds = Int(StallJudgement.silenceLimit)
      warn("rank \(silent) (\(peers[silent].host)) does not answer for \(seconds) s")
    }
  }

  /// The silence after which a rank counts as gone; never where ranks wait for ever.
  private var silenceExit: Double {
    limits.exit > 0 ? min(limits.exit, Self.silenceExit) : .infinity
  }

  /// A rank that no judge has ended: it ends where it hears none of them, and otherwise after they
  /// should have ended it.
  private func lookAlone(_ position: CollectiveProgress.Position, _ waited: Double) {
    let judges = Array(0..<min(Self.judges, peers.count))
    let silent = judgement(position).silent(for: silenceExit)
    if position.since != nil, judges.allSatisfy(silent.contains) {
      return end(
        "rank \(rank) (\(peers[rank].host)) hears of no rank on another host for "
          + "\(Int(silenceExit)) s; ending")
    }
    guard limits.exit > 0, !position.isPaused, waited > limits.exit + Self.grace else { return }
    let name = progress.name(of: position.begun) ?? "a collective"
    end(
      "rank \(rank) (\(peers[rank].host)) waits in \(name) for \(Int(waited)) s, "
        + "and ranks 0 and 1 have not said for whom; ending")
  }

  private func judgement(_ position: CollectiveProgress.Position) -> StallJudgement {
    let members = peers.indices.map { other -> StallJudgement.Member in
      guard other != rank else {
        return .init(
          host: peers[rank].host, begun: position.begun, isWaiting: position.since != nil,
          silence: 0)
      }
      guard let (beat, time) = last[other] else { return .init(host: peers[other].host) }
      return .init(
        host: peers[other].host, begun: beat.begun, isWaiting: beat.isWaiting,
        silence: time.duration(to: .now).seconds)
    }
    return StallJudgement(members, me: rank)
  }
}
