import Distributed

/// What convolutions make of their weights before they multiply, kept while no weight changes.
final class PackedWeights {
  /// The packed forms that are at hand, by weights: nil where none are kept.
  private var kept: [UnsafeMutablePointer<Float>: FloatBuffer]?
  /// Memory of earlier ones.
  private var spare: [FloatBuffer] = []

  /// Whether packed forms are kept just now.
  var areKept: Bool { kept != nil }

  /// Runs `body`, in which no weights change, and keeps the packed forms until it ends.
  ///
  /// Their memory stays for the next time. Inside another call it is that one that counts.
  func keep<Result>(during body: () throws -> Result) rethrows -> Result {
    if areKept { return try body() }
    kept = [:]
    defer {
      spare += kept?.values.map(\.self) ?? []
      kept = nil
    }
    return try body()
  }

  /// Where `pack` has put, or now puts, its form of `weights`, which takes `count` floats: kept
  /// memory inside `keep`, else `scratch`.
  func form(
    of weights: UnsafeMutablePointer<Float>, count: Int, scratch: UnsafeMutablePointer<Float>,
    pack: (UnsafeMutablePointer<Float>) -> Void
  ) -> UnsafeMutablePointer<Float> {
    if let known = kept?[weights] { return known.pointer }
    guard areKept else {
      pack(scratch)
      return scratch
    }
    let place = spare.firstIndex { $0.count == count }
    let buffer = place.map { spare.remove(at: $0) } ?? FloatBuffer(count: count)
    pack(buffer.pointer)
    kept?[weights] = buffer
    return buffer.pointer
  }
}
