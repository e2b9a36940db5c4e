/// In what numbers convolutions multiply.
public enum PrecisionChoice: String, CaseIterable, Sendable {
  /// int16 where the processor has the instructions for it, else float32.
  case auto
  /// Floats throughout: the reference.
  case float32
  /// 16-bit integers with exact 32-bit sums in Winograd's products, floats in all else.
  case int16
}

/// The precision that a context's products have.
package enum ProductPrecision: Equatable, Sendable {
  case float32
  case int16(FixedPointGEMM.Variant)
}

extension PrecisionChoice {
  /// What it amounts to on this processor.
  package var resolved: ProductPrecision {
    switch self {
    case .float32: .float32
    case .int16: .int16(.best)
    case .auto: FixedPointGEMM.Variant.vnni.isSupported ? .int16(.vnni) : .float32
    }
  }
}
