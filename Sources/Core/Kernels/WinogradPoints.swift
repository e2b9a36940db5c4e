/// The one-dimensional transforms of Winograd's F(4, 3), eight channels at a time.
///
/// Four outputs of a three-tap filter from six inputs: y = Aᵀ[(G g) ⊙ (Bᵀ d)], interpolated at 0,
/// ±3/4, ±3/2 and infinity; half the rounding error of the usual 0, ±1, ±2 at the same cost. The
/// adjoints carry gradients back: A y', B v, Gᵀ u.
enum SixPoints {
  private static let a: Float = 0.75
  private static let b: Float = 1.5
  private static let aa = a * a
  private static let bb = b * b
  private static let nearFactor = 1 / (2 * aa * (aa - bb))
  private static let farFactor = 1 / (2 * bb * (bb - aa))

  typealias Six = (Float8, Float8, Float8, Float8, Float8, Float8)
  typealias Four = (Float8, Float8, Float8, Float8)
  typealias Three = (Float8, Float8, Float8)

  /// Bᵀ d.
  @inline(__always)
  static func input(_ d: Six) -> Six {
    let nearEven = d.4.addingProduct(Float8(repeating: -bb), d.2)
    let nearOdd = (d.3.addingProduct(Float8(repeating: -bb), d.1)) * a
    let farEven = d.4.addingProduct(Float8(repeating: -aa), d.2)
    let farOdd = (d.3.addingProduct(Float8(repeating: -aa), d.1)) * b
    return (
      d.4.addingProduct(Float8(repeating: -(aa + bb)), d.2)
        .addingProduct(Float8(repeating: aa * bb), d.0),
      nearEven + nearOdd, nearEven - nearOdd, farEven + farOdd, farEven - farOdd,
      d.5.addingProduct(Float8(repeating: -(aa + bb)), d.3)
        .addingProduct(Float8(repeating: aa * bb), d.1)
    )
  }

  /// B v.
  @inline(__always)
  static func inputAdjoint(_ v: Six) -> Six {
    let (nearSum, farSum) = (v.1 + v.2, v.3 + v.4)
    let (near, far) = ((v.1 - v.2) * a, (v.3 - v.4) * b)
    return (
      v.0 * (aa * bb),
      (v.5 * (aa * bb)).addingProduct(Float8(repeating: -bb), near)
        .addingProduct(Float8(repeating: -aa), far),
      (v.0 * -(aa + bb)).addingProduct(Float8(repeating: -bb), nearSum)
        .addingProduct(Float8(repeating: -aa), farSum),
      (near + far).addingProduct(Float8(repeating: -(aa + bb)), v.5),
      v.0 + (nearSum + farSum), v.5
    )
  }

  /// Aᵀ m.
  @inline(__always)
  static func output(_ m: Six) -> Four {
    let (nearSum, farSum) = (m.1 + m.2, m.3 + m.4)
    let (near, far) = ((m.1 - m.2) * a, (m.3 - m.4) * b)
    return (
      m.0 + (nearSum + farSum), near + far,
      (nearSum * aa).addingProduct(Float8(repeating: bb), farSum),
      m.5.addingProduct(Float8(repeating: aa), near).addingProduct(Float8(repeating: bb), far)
    )
  }

  /// A y.
  @inline(__always)
  static func outputAdjoint(_ y: Four) -> Six {
    let nearEven = y.0.addingProduct(Float8(repeating: aa), y.2)
    let nearOdd = y.1.addingProduct(Float8(repeating: aa), y.3) * a
    let farEven = y.0.addingProduct(Float8(repeating: bb), y.2)
    let farOdd = y.1.addingProduct(Float8(repeating: bb), y.3) * b
    return (y.0, nearEven + nearOdd, nearEven - nearOdd, farEven + farOdd, farEven - farOdd, y.3)
  }

  /// G g.
  @inline(__always)
  static func weights(_ g: Three) -> Six {
    let nearEven = g.0.addingProduct(Float8(repeating: aa), g.2) * nearFactor
    let nearOdd = g.1 * (nearFactor * a)
    let farEven = g.0.addingProduct(Float8(repeating: bb), g.2) * farFactor
    let farOdd = g.1 * (farFactor * b)
    return (
      g.0 * (1 / (aa * bb)), nearEven + nearOdd, nearEven - nearOdd, farEven + farOdd,
      farEven - farOdd, g.2
    )
  }

  /// Gᵀ u.
  @inline(__always)
  static func weightsAdjoint(_ u: Six) -> Three {
    let (nearSum, farSum) = ((u.1 + u.2) * nearFactor, (u.3 + u.4) * farFactor)
    let near = (u.1 - u.2) * (nearFactor * a)
    let far = (u.3 - u.4) * (farFactor * b)
    return (
      (nearSum + farSum).addingProduct(Float8(repeating: 1 / (aa * bb)), u.0), near + far,
      u.5.addingProduct(Float8(repeating: aa), nearSum).addingProduct(Float8(repeating: bb), farSum)
    )
  }
}

/// The one-dimensional transforms of Winograd's F(4, 2), for the phases of a stride-2 convolution.
///
/// Four outputs of a two-tap filter from five inputs, interpolated at ±3/8, ±5/4 and infinity. A
/// filter of one tap is zero at infinity, so that its four inputs meet only the four finite points.
enum FivePoints {
  private static let a: Float = 0.375
  private static let b: Float = 1.25
  private static let aa = a * a
  private static let bb = b * b
  private static let nearFactor = 1 / (2 * a * (aa - bb))
  private static let farFactor = 1 / (2 * b * (bb - aa))

  typealias Five = (Float8, Float8, Float8, Float8, Float8)
  typealias Four = (Float8, Float8, Float8, Float8)

  /// Bᵀ d at the finite points, which do not see the fifth input.
  @inline(__always)
  static func input(_ d: Four) -> Four {
    let near = d.3.addingProduct(Float8(repeating: -bb), d.1)
    let nearEven = d.2.addingProduct(Float8(repeating: -bb), d.0) * a
    let far = d.3.addingProduct(Float8(repeating: -aa), d.1)
    let farEven = d.2.addingProduct(Float8(repeating: -aa), d.0) * b
    return (near + nearEven, near - nearEven, far + farEven, far - farEven)
  }

  /// Bᵀ d.
  @inline(__always)
  static func input(_ d: Five) -> Five {
    let v = input((d.0, d.1, d.2, d.3))
    let infinity = d.4.addingProduct(Float8(repeating: -(aa + bb)), d.2)
      .addingProduct(Float8(repeating: aa * bb), d.0)
    return (v.0, v.1, v.2, v.3, infinity)
  }

  /// B v of the finite points.
  @inline(__always)
  static func inputAdjoint(_ v: Four) -> Four {
    let (nearSum, farSum) = (v.0 + v.1, v.2 + v.3)
    let (near, far) = ((v.0 - v.1) * a, (v.2 - v.3) * b)
    return (
      (near * -bb).addingProduct(Float8(repeating: -aa), far),
      (nearSum * -bb).addingProduct(Float8(repeating: -aa), farSum), near + far, nearSum + farSum
    )
  }

  /// B v.
  @inline(__always)
  static func inputAdjoint(_ v: Five) -> Five {
    let d = inputAdjoint((v.0, v.1, v.2, v.3))
    return (
      d.0.addingProduct(Float8(repeating: aa * bb), v.4), d.1,
      d.2.addingProduct(Float8(repeating: -(aa + bb)), v.4), d.3, v.4
    )
  }

  /// Aᵀ m.
  @inline(__always)
  static func output(_ m: Five) -> Four {
    let (nearSum, farSum) = (m.0 + m.1, m.2 + m.3)
    let (near, far) = ((m.0 - m.1) * a, (m.2 - m.3) * b)
    return (
      nearSum + farSum, near + far, (nearSum * aa).addingProduct(Float8(repeating: bb), farSum),
      m.4.addingProduct(Float8(repeating: aa), near).addingProduct(Float8(repeating: bb), far)
    )
  }

  /// A y.
  @inline(__always)
  static func outputAdjoint(_ y: Four) -> Five {
    let nearEven = y.0.addingProduct(Float8(repeating: aa), y.2)
    let nearOdd = y.1.addingProduct(Float8(repeating: aa), y.3) * a
    let farEven = y.0.addingProduct(Float8(repeating: bb), y.2)
    let farOdd = y.1.addingProduct(Float8(repeating: bb), y.3) * b
    return (nearEven + nearOdd, nearEven - nearOdd, farEven + farOdd, farEven - farOdd, y.3)
  }

  /// G g of a filter of two taps.
  @inline(__always)
  static func weights(_ g: (Float8, Float8)) -> Five {
    let (near, nearOdd) = (g.0 * nearFactor, g.1 * (nearFactor * a))
    let (far, farOdd) = (g.0 * farFactor, g.1 * (farFactor * b))
    return (nearOdd + near, nearOdd - near, farOdd + far, farOdd - far, g.1)
  }

  /// G g of a filter of one tap, at the finite points.
  @inline(__always)
  static func weights(_ g: Float8) -> Four {
    let (near, far) = (g * nearFactor, g * farFactor)
    return (near, near * -1, far, far * -1)
  }

  /// Gᵀ u of a filter of two taps.
  @inline(__always)
  static func weightsAdjoint(_ u: Five) -> (Float8, Float8) {
    let near = (u.0 + u.1) * (nearFactor * a)
    let far = (u.2 + u.3) * (farFactor * b)
    return (weightsAdjoint((u.0, u.1, u.2, u.3)), near + far + u.4)
  }

  /// Gᵀ u of a filter of one tap.
  @inline(__always)
  static func weightsAdjoint(_ u: Four) -> Float8 {
    ((u.0 - u.1) * nearFactor).addingProduct(Float8(repeating: farFactor), u.2 - u.3)
  }
}
