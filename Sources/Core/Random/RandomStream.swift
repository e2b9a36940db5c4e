import Foundation

/// What a random draw is for: part of every stream's key, so that no purpose disturbs another.
public enum RandomPurpose: UInt64, Sendable {
  case initialization = 1
  case shuffle = 2
  case augmentation = 3
  case syntheticImages = 4
  case tuningSplit = 5
  case headInitialization = 6
  case trigger = 7
  case test = 8
  case dropout = 9
  case batchAugmentation = 20
  case batchPoison = 21
  case warping = 22
  case residuals = 23
  case pairing = 24
  case generator = 25
  case replacement = 40
  case neuronNoise = 41
  case chosenImages = 42
  case discriminator = 50
  case lowFrequency = 51
  case adversarial = 52
  case fingerprints = 53
}

/// A stream of random numbers keyed by meaning: (seed, purpose, epoch, index).
///
/// Equal keys give equal streams on every machine, whatever ran before and however many ranks or
/// threads there are. SplitMix64 (Steele, Lea, Flood 2014) over a hash of the key.
public struct RandomStream: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// The stream for a key; `epoch` and `index` are 0 where the purpose has none.
  public init(seed: UInt64, purpose: RandomPurpose, epoch: Int = 0, index: Int = 0) {
    var key = Self.mix(seed &+ 0x9E37_79B9_7F4A_7C15)
    let position = [UInt64(bitPattern: Int64(epoch)), UInt64(bitPattern: Int64(index))]
    for part in [purpose.rawValue] + position {
      key = Self.mix(key ^ (part &* 0xD6E8_FEB8_6659_FD93) &+ 0x9E37_79B9_7F4A_7C15)
    }
    state = key
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  /// A uniform float in [0, 1) with 24 random bits.
  public mutating func nextFloat() -> Float { Float(next() >> 40) * 0x1p-24 }

  /// A uniform double in [0, 1) with 53 random bits.
  public mutating func nextDouble() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A uniform integer in `0..<bound`, without bias (rejection of the incomplete last interval).
  public mutating func nextInt(below bound: Int) -> Int {
    precondition(bound > 0, "no integer below \(bound)")
    let range = UInt64(bound)
    let limit = UInt64.max - (UInt64.max % range + 1) % range
    var bits = next()
    while bits > limit { bits = next() }
    return Int(bits % range)
  }

  /// A standard normal value (Box-Muller, cosine branch).
  public mutating func nextNormal() -> Float {
    let radius = (-2 * Foundation.log(1 - nextDouble())).squareRoot()
    return Float(radius * Foundation.cos(2 * Double.pi * nextDouble()))
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
