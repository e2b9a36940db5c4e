import Distributed
import Foundation

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

  /// Its name among the settings.
  package var name: String { self == .float32 ? "float32" : "int16" }
}

extension PrecisionChoice {
  /// The variable that names the variant of 16-bit products, or `none` for a processor without
  /// them: the same bits by other instructions, for tests.
  package static let variantVariable = "FST_INT16_VARIANT"

  /// The variant that this process multiplies with; nil where its processor would only emulate one.
  ///
  /// AVX2's is an emulation too, which no setting asks for: only `variantVariable` names it.
  private static let variant: FixedPointGEMM.Variant? = {
    guard let named else { return FixedPointGEMM.Variant.vnni.isSupported ? .vnni : nil }
    return FixedPointGEMM.Variant(rawValue: named).flatMap { $0.isSupported ? $0 : nil }
  }()

  private static let named = ProcessInfo.processInfo.environment[variantVariable]

  /// What it amounts to in this process; without the instructions int16 is emulated, where
  /// `requirePrecision` did not end the run before.
  package var resolved: ProductPrecision {
    switch self {
    case .float32: .float32
    case .int16: .int16(Self.variant ?? .best)
    case .auto: Self.variant.map { .int16($0) } ?? .float32
    }
  }

  fileprivate func requireSupport() throws {
    if self != .float32, let name = Self.named, name != "none",
      FixedPointGEMM.Variant(rawValue: name) == nil
    {
      throw UnknownVariant(name: name)
    }
    if self == .int16, Self.variant == nil { throw UnsupportedPrecision() }
  }
}

extension Communicator {
  /// Throws, on all ranks alike, unless every rank's processor can multiply as `choice` says, and
  /// all do so alike; the first that cannot is named.
  public func requirePrecision(_ choice: PrecisionChoice) throws {
    try together { try choice.requireSupport() }
    do {
      try requireAgreement(onEach: [("precision", Checksum.of(choice.resolved.name))])
    } catch var difference as Disagreement {
      if choice == .auto {
        difference.detail = "auto is int16 only on processors with AVX512-VNNI"
      }
      throw difference
    }
  }
}

/// The processor has no instruction for 16-bit products.
package struct UnsupportedPrecision: Error, CustomStringConvertible {
  package var description: String {
    "precision: expected auto or float32, since this processor has no AVX512-VNNI, found 'int16'"
  }
}

/// The variable names no variant.
private struct UnknownVariant: Error, CustomStringConvertible {
  let name: String

  var description: String {
    let names = FixedPointGEMM.Variant.allCases.map(\.rawValue).joined(separator: ", ")
    return "\(PrecisionChoice.variantVariable): expected \(names) or none, found '\(name)'"
  }
}
