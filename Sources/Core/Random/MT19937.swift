/// The Mersenne Twister of Matsumoto and Nishimura (1998), seeded and drawn from as NumPy's legacy
/// `np.random` does, so that the poisoned set of a seed is the one the original code chooses.
public struct MT19937: Sendable {
  private static let size = 624
  private static let shift = 397
  private var state: [UInt32]
  private var position = MT19937.size

  /// The generator after `np.random.seed(seed)`.
  public init(seed: UInt32) {
    state = [seed]
    state.reserveCapacity(Self.size)
    for index in 1..<Self.size {
      let previous = state[index - 1]
      state.append(1_812_433_253 &* (previous ^ (previous >> 30)) &+ UInt32(index))
    }
  }

  /// The generator seeded by an array of words, as Python's `random.seed` does; `key` is not empty.
  public init(key: [UInt32]) {
    precondition(!key.isEmpty, "a key of no words")
    self.init(seed: 19_650_218)
    var index = 1
    var keyIndex = 0
    for _ in 0..<max(Self.size, key.count) {
      let previous = state[index - 1]
      state[index] =
        (state[index] ^ ((previous ^ (previous >> 30)) &* 1_664_525)) &+ key[keyIndex]
        &+ UInt32(keyIndex)
      keyIndex = (keyIndex + 1) % key.count
      advance(&index)
    }
    for _ in 1..<Self.size {
      let previous = state[index - 1]
      state[index] =
        (state[index] ^ ((previous ^ (previous >> 30)) &* 1_566_083_941)) &- UInt32(index)
      advance(&index)
    }
    state[0] = 0x8000_0000
  }

  /// The next 32 random bits.
  public mutating func next() -> UInt32 {
    if position == Self.size { refill() }
    var bits = state[position]
    position += 1
    bits ^= bits >> 11
    bits ^= (bits << 7) & 0x9D2C_5680
    bits ^= (bits << 15) & 0xEFC6_0000
    return bits ^ (bits >> 18)
  }

  /// `np.random.choice(n, count, replace=False)`: the first `count` of a permutation of `0..<n`.
  ///
  /// Choices of one seed are therefore nested: a smaller `count` gives a prefix of a larger one.
  public mutating func choice(_ n: Int, count: Int) -> [Int] {
    precondition(0...max(n, 0) ~= count, "\(count) of \(n) without replacement")
    var order = Array(0..<n)
    for index in stride(from: n - 1, through: 1, by: -1) {
      order.swapAt(index, interval(through: index))
    }
    return Array(order.prefix(count))
  }

  /// A uniform integer in `0...maximum`: masked bits, drawn again while they exceed it.
  private mutating func interval(through maximum: Int) -> Int {
    precondition(maximum <= Int(UInt32.max), "an interval of more than 32 bits: \(maximum)")
    let limit = UInt32(maximum)
    let mask = limit == 0 ? 0 : UInt32.max >> UInt32(limit.leadingZeroBitCount)
    var bits = next() & mask
    while bits > limit { bits = next() & mask }
    return Int(bits)
  }

  private mutating func refill() {
    for index in 0..<Self.size {
      let bits =
        (state[index] & 0x8000_0000) | (state[(index + 1) % Self.size] & 0x7FFF_FFFF)
      let twisted = (bits >> 1) ^ (bits & 1 == 0 ? 0 : 0x9908_B0DF)
      state[index] = state[(index + Self.shift) % Self.size] ^ twisted
    }
    position = 0
  }

  /// The next index while seeding by a key: 0 is skipped and mirrors the last word.
  private mutating func advance(_ index: inout Int) {
    index += 1
    guard index == Self.size else { return }
    state[0] = state[Self.size - 1]
    index = 1
  }
}
