import Foundation

/// How long ranks may wait for one another, in seconds; 0 is for ever.
public struct StallLimits: Equatable, Sendable {
  /// After this time the late ranks are named.
  public var warning: Double
  /// After this time they are named and the run is ended.
  public var exit: Double

  /// Limits in seconds; 0 is for ever.
  public init(warning: Double = 30, exit: Double = 300) {
    self.warning = warning
    self.exit = exit
  }
}

/// A thread that finds out which ranks keep the others waiting: see Note [Stall watch].
///
/// It owns that thread and the socket over which the ranks hear of one another.
public final class StallWatch: Sendable {
  private let loop: StallLoop

  /// Starts to watch, on all ranks together; nil in a world of one, or without any limit.
  ///
  /// `warn` gets a line, once for each wait; `end` gets the last line, nil where another rank has
  /// said it, and must end this process at once, whatever its other threads do. Both are called on
  /// the watching thread.
  public static func start(
    on communicator: any Communicator, limits: StallLimits,
    warn: @escaping @Sendable (String) -> Void, end: @escaping @Sendable (String?) -> Void
  ) throws -> StallWatch? {
    guard let progress = communicator.progress, communicator.worldSize > 1,
      limits.warning > 0 || limits.exit > 0
    else { return nil }
    let socket = HeartbeatSocket()
    var job = [UInt64.random(in: 0 ... .max)]
    try job.withUnsafeMutableBytes { try communicator.broadcast($0, from: 0) }
    let card = ["\(socket?.port ?? 0)", communicator.hostName] + HeartbeatSocket.hostAddresses
    let cards = try communicator.allGather(Array(card.joined(separator: "\n").utf8)).map {
      String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init)
    }
    let peers = cards.map { card in
      StallLoop.Peer(
        host: card[1], port: UInt16(card[0]) ?? 0,
        addresses: card[1] == communicator.hostName ? ["127.0.0.1"] : Array(card[2...]))
    }
    return StallWatch(
      StallLoop(
        job: job[0], rank: communicator.rank, peers: peers, progress: progress, socket: socket,
        limits: limits, warn: warn, end: end))
  }

  private init(_ loop: StallLoop) {
    self.loop = loop
    let thread = Thread { loop.run() }
    thread.name = "stall watch"
    thread.start()
  }

  /// Ends the watch.
  public func stop() { loop.stop() }

  deinit { loop.stop() }
}

extension Communicator {
  /// Runs `body`, in which ranks are expected to keep up with one another.
  public func training<Result>(_ body: () throws -> Result) rethrows -> Result {
    guard let progress else { return try body() }
    return try progress.with(isPaused: false, body)
  }

  /// Runs `body`, in which a rank may wait long for another that works alone.
  public func expectingWaits<Result>(_ body: () throws -> Result) rethrows -> Result {
    guard let progress else { return try body() }
    return try progress.with(isPaused: true, body)
  }
}
