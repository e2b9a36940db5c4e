import Foundation

/// Python's `random` module, as far as the original code draws its tuning images from it.
///
/// Equal to CPython 3.8 and later for `random.seed(int)` followed by `random.sample(range(n), k)`.
public struct PythonRandom: Sendable {
  private var generator: MT19937

  /// The generator after `random.seed(seed)`; Python ignores the sign.
  public init(seed: Int) {
    let magnitude = UInt64(seed.magnitude)
    let high = UInt32(magnitude >> 32)
    let low = UInt32(truncatingIfNeeded: magnitude)
    generator = MT19937(key: high == 0 ? [low] : [low, high])
  }

  /// `random.sample(range(n), count)`: distinct numbers of `0..<n` in the order drawn.
  public mutating func sample(_ n: Int, count: Int) -> [Int] {
    precondition(0...max(n, 0) ~= count, "a sample of \(count) from \(n)")
    return n <= Self.poolLimit(count: count)
      ? sampleFromPool(n, count: count) : sampleByRejection(n, count: count)
  }

  /// The largest population that CPython copies into a list instead of remembering what it drew.
  private static func poolLimit(count: Int) -> Int {
    guard count > 5 else { return 21 }
    let exponent = (log(Double(count * 3)) / log(4)).rounded(.up)
    return 21 + Int(pow(4, exponent))
  }

  private mutating func sampleFromPool(_ n: Int, count: Int) -> [Int] {
    var pool = Array(0..<n)
    var result: [Int] = []
    result.reserveCapacity(count)
    for drawn in 0..<count {
      let index = below(n - drawn)
      result.append(pool[index])
      pool[index] = pool[n - drawn - 1]
    }
    return result
  }

  private mutating func sampleByRejection(_ n: Int, count: Int) -> [Int] {
    var selected = Set<Int>(minimumCapacity: count)
    var result: [Int] = []
    result.reserveCapacity(count)
    while result.count < count {
      let number = below(n)
      if selected.insert(number).inserted { result.append(number) }
    }
    return result
  }

  /// A uniform integer in `0..<bound`: as many bits as `bound` has, drawn again while too large.
  private mutating func below(_ bound: Int) -> Int {
    precondition(1...Int(UInt32.max) ~= bound, "no 32-bit integer below \(bound)")
    let unused = UInt32(UInt32(bound).leadingZeroBitCount)
    var number = generator.next() >> unused
    while number >= UInt32(bound) { number = generator.next() >> unused }
    return Int(number)
  }
}
