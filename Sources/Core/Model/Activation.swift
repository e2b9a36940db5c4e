/// What stands behind a normalisation or a hidden layer, on each value by itself.
enum Activation: Sendable {
  case none, relu
  /// x where it is positive, else x / 5.
  case leakyReLU
  /// x clamp(x + 3, 0, 6) / 6.
  case hardswish

  /// clamp(x + 3, 0, 6) / 6.
  static func hardsigmoid(_ x: Float) -> Float { min(max(x + 3, 0), 6) / 6 }

  /// f(x).
  func callAsFunction(_ x: Float) -> Float {
    switch self {
    case .none: x
    case .relu: x < 0 ? 0 : x
    case .leakyReLU: x < 0 ? 0.2 * x : x
    case .hardswish: x * Self.hardsigmoid(x)
    }
  }

  /// f'(x), with PyTorch's values at the kinks.
  func slope(_ x: Float) -> Float {
    switch self {
    case .none: 1
    case .relu: x <= 0 ? 0 : 1
    case .leakyReLU: x > 0 ? 1 : 0.2
    case .hardswish: x <= -3 ? 0 : x < 3 ? (2 * x + 3) / 6 : 1
    }
  }
}
