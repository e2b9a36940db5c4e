/// The first so many spans of time of a rank, in memory that does not grow beyond that.
struct SpanBuffer: Equatable {
  /// A stretch of time on one of the rank's threads; times are nanoseconds since `origin`.
  struct Span: Equatable {
    /// An index into `names`.
    var name: UInt32
    var step: UInt32
    var start: Int64
    var end: Int64
  }

  /// Where times are counted from in this process.
  static let origin = ContinuousClock.now

  /// The phases of the thread that computes, and after them what the one that communicates did.
  private(set) var names = StepTimer.Phase.allCases.map(\.rawValue)
  private(set) var spans: [Span] = []
  /// Spans beyond the limit, which are counted and left out.
  private(set) var leftOut = 0
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  /// Whether a span of this name is on the thread that communicates.
  static func isCommunication(_ name: UInt32) -> Bool {
    name >= StepTimer.Phase.allCases.count
  }

  mutating func add(
    _ phase: StepTimer.Phase, step: Int, from start: ContinuousClock.Instant,
    to end: ContinuousClock.Instant
  ) {
    append(StepTimer.Phase.allCases.firstIndex(of: phase) ?? 0, step, start, end)
  }

  mutating func add(
    communication name: String, step: Int, from start: ContinuousClock.Instant,
    to end: ContinuousClock.Instant
  ) {
    let first = StepTimer.Phase.allCases.count
    if let known = names[first...].firstIndex(of: name) { return append(known, step, start, end) }
    names.append(name)
    append(names.count - 1, step, start, end)
  }

  private mutating func append(
    _ name: Int, _ step: Int, _ start: ContinuousClock.Instant, _ end: ContinuousClock.Instant
  ) {
    guard spans.count < limit else {
      leftOut += 1
      return
    }
    spans.append(
      Span(
        name: UInt32(name), step: UInt32(clamping: step),
        start: Self.nanoseconds(start), end: Self.nanoseconds(end)))
  }

  /// An instant in nanoseconds since `origin`.
  static func nanoseconds(_ instant: ContinuousClock.Instant) -> Int64 {
    Int64((origin.duration(to: instant).seconds * 1e9).rounded())
  }
}

extension SpanBuffer {
  /// The buffer as bytes that another rank of the same build reads.
  var bytes: [UInt8] {
    let text = Array(names.joined(separator: "\n").utf8)
    var result: [UInt8] = []
    for number in [Int64(leftOut), Int64(text.count)] {
      withUnsafeBytes(of: number) { result.append(contentsOf: $0) }
    }
    result += text
    spans.withUnsafeBytes { result.append(contentsOf: $0) }
    return result
  }

  /// The buffer in `bytes`.
  init(bytes: [UInt8]) {
    limit = 0
    (leftOut, spans) = bytes.withUnsafeBytes { raw in
      let length = Int(raw.loadUnaligned(fromByteOffset: 8, as: Int64.self))
      let start = 16 + length
      let stride = MemoryLayout<Span>.stride
      let spans = (0..<(raw.count - start) / stride).map {
        raw.loadUnaligned(fromByteOffset: start + $0 * stride, as: Span.self)
      }
      names = String(decoding: raw[16..<start], as: UTF8.self).split(separator: "\n").map(
        String.init)
      return (Int(raw.loadUnaligned(as: Int64.self)), spans)
    }
  }
}
