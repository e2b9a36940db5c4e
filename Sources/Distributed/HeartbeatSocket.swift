import Foundation

/// A rank's word of where it is.
package struct Heartbeat: Equatable, Sendable {
  static let size = 24
  /// The run it belongs to.
  package var job: UInt64
  /// Who sends it.
  package var rank: Int
  /// The collectives it has begun.
  package var begun: Int
  /// Whether it is inside one.
  package var isWaiting: Bool
  /// Whether it has said why the run ends, and is its last.
  package var isLast: Bool

  /// A heartbeat of `rank` in run `job`.
  package init(job: UInt64, rank: Int, begun: Int, isWaiting: Bool, isLast: Bool = false) {
    (self.job, self.rank, self.begun) = (job, rank, begun)
    (self.isWaiting, self.isLast) = (isWaiting, isLast)
  }

  /// Its 24 bytes, little-endian.
  package var bytes: [UInt8] {
    [job, UInt64(rank) << 2 | (isLast ? 2 : 0) | (isWaiting ? 1 : 0), UInt64(begun)]
      .littleEndianBytes
  }

  /// The heartbeat in `bytes`; nil where that is something else.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.size else { return nil }
    let words = [UInt64](littleEndian: bytes)
    guard let rank = Int(exactly: words[1] >> 2), let begun = Int(exactly: words[2]) else {
      return nil
    }
    self.init(
      job: words[0], rank: rank, begun: begun, isWaiting: words[1] & 1 != 0,
      isLast: words[1] & 2 != 0)
  }
}

/// A UDP socket for heartbeats; it owns the descriptor.
final class HeartbeatSocket: Sendable {
  /// The port it listens on, of every interface.
  let port: UInt16
  private let descriptor: Int32

  /// Opens a socket on a free port; nil where the system has none to give.
  init?() {
    descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isBound else {
      close(descriptor)
      return nil
    }
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(descriptor) }

  /// This host's IPv4 addresses, in text, the loopback's left out.
  static var hostAddresses: [String] {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return [] }
    defer { freeifaddrs(first) }
    var found: [String] = []
    var next = first
    while let entry = next?.pointee {
      next = entry.ifa_next
      guard let address = entry.ifa_addr, address.pointee.sa_family == sa_family_t(AF_INET) else {
        continue
      }
      let text = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
        String(cString: inet_ntoa(pointer.pointee.sin_addr))
      }
      if !text.hasPrefix("127.") { found.append(text) }
    }
    return found
  }

  /// Sends `bytes` to `port` of `address`; a datagram that cannot be sent is lost like any other.
  func send(_ bytes: [UInt8], to address: String, port: UInt16) {
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    target.sin_port = port.bigEndian
    guard inet_aton(address, &target.sin_addr) != 0 else { return }
    withUnsafePointer(to: &target) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { socketAddress in
        _ = sendto(
          descriptor, bytes, bytes.count, Int32(MSG_DONTWAIT), socketAddress,
          socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  /// All heartbeats that have come, waiting up to `seconds` for the first.
  func receive(within seconds: Double) -> [Heartbeat] {
    var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&ready, 1, Int32(seconds * 1000)) > 0 else { return [] }
    var found: [Heartbeat] = []
    var bytes = [UInt8](repeating: 0, count: Heartbeat.size + 1)
    while true {
      let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
      guard count >= 0 else { return found }
      if let beat = Heartbeat(Array(bytes[..<count])) { found.append(beat) }
    }
  }
}
