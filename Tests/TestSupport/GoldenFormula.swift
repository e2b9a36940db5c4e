import Core

/// The inputs of the goldens: a function of name and index, the same to the bit in `generate.py`.
///
/// uniform(name, i) = m / 2^23 − 1, where m is the top 24 bits of splitmix64 over the FNV-1a hash
/// of the name. Not a random stream of the program: it must never change.
public enum Formula {
  /// `count` values in [−1, 1), each exact in float32.
  public static func uniform(_ name: String, count: Int) -> [Double] {
    let seed = name.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    return (0..<count).map { index in
      var z = seed &+ (UInt64(index) &+ 1) &* 0x9E37_79B9_7F4A_7C15
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return Double((z ^ (z >> 31)) >> 40) / 0x1p23 - 1
    }
  }

  /// float32(offset + scale · uniform), row-major in PyTorch's layout.
  public static func tensor(
    _ name: String, count: Int, scale: Double = 1, offset: Double = 0
  ) -> [Float] {
    uniform(name, count: count).map { Float(offset + scale * $0) }
  }

  /// `count` labels below `classes`.
  public static func labels(_ name: String, count: Int, classes: Int = 10) -> [Int32] {
    uniform(name, count: count).map { Int32((($0 + 1) / 2 * Double(classes)).rounded(.down)) }
  }

  /// The initial state of the goldens' `model`: the rule of `generate.py`'s function `initial`.
  public static func initialState(model: String, plan: ParameterLayoutPlan) -> StateDict {
    StateDict(
      plan.state.map { slot in
        switch slot {
        case .counter(let name, _): StateDict.Entry(name: name, shape: [], values: .int64([7]))
        case .buffer(let slot): initialEntry(model: model, name: slot.name, shape: [slot.count])
        case .parameter(let slot): initialEntry(model: model, name: slot.name, shape: slot.shape)
        }
      })
  }

  private static func initialEntry(model: String, name: String, shape: [Int]) -> StateDict.Entry {
    let fanIn = Double(shape.dropFirst().reduce(1, *))
    let (scale, offset): (Double, Double) =
      switch shape.count {
      case 4: ((6 / fanIn).squareRoot(), 0)
      case 2: ((1 / fanIn).squareRoot(), 0)
      default:
        if name == "linear.bias" {
          (headScale, 0)
        } else if name.hasSuffix("running_mean") {
          (0.1, 0)
        } else if name.hasSuffix("running_var") {
          (0.5, 1)
        } else {
          name.hasSuffix("weight") ? (0.3, 1) : (0.2, 0)
        }
      }
    let values = tensor("\(model)/\(name)", count: shape.reduce(1, *), scale: scale, offset: offset)
    return StateDict.Entry(name: name, shape: shape, values: .float32(values))
  }

  /// 1/√(inputs of the head) of the goldens' models, whose width is 4.
  public static let headScale = (1.0 / 32).squareRoot()
}
