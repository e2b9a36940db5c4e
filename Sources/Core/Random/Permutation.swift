/// The order of a dataset in one epoch: a function of (seed, epoch) alone.
///
/// Ours rather than the standard library's `shuffle`, whose result may change between versions.
public enum Permutation {
  /// The version of the algorithm; it changes whenever any order would.
  public static let version = 1

  /// A uniformly random order of `0..<count` (Fisher-Yates, from the last place down).
  public static func of(count: Int, seed: UInt64, epoch: Int) -> [Int] {
    var stream = RandomStream(seed: seed, purpose: .shuffle, epoch: epoch)
    var order = Array(0..<count)
    for last in stride(from: count - 1, through: 1, by: -1) {
      order.swapAt(last, stream.nextInt(below: last + 1))
    }
    return order
  }
}
