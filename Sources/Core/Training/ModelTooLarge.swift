import Foundation

/// A model that this machine's memory cannot hold while it is trained.
public struct ModelTooLarge: Error, Equatable, Sendable, CustomStringConvertible {
  /// Planes of the first stage.
  public let width: Int
  /// What its parameters, gradients and momentum take, bytes.
  public let needed: Int
  /// The machine's memory, bytes.
  public let available: Int

  /// One line: the key, what is needed and what there is.
  public var description: String {
    "width: a model of width \(width) needs \(needed >> 30) GiB for parameters, gradients and "
      + "momentum; this machine has \(available >> 30) GiB"
  }

  /// Throws where a ResNet18 of `width` cannot be held, before any memory is asked for.
  ///
  /// All that grows with the square of `width` counts: 2725 weights of convolutions for each square
  /// plane. `memory` is in bytes.
  public static func check(
    width: Int, classCount: Int, memory: UInt64 = ProcessInfo.processInfo.physicalMemory
  ) throws {
    let parameters = 2725 * width * width + 8 * width * classCount
    let (needed, available) = (3 * MemoryLayout<Float>.stride * parameters, Int(clamping: memory))
    guard needed <= available else {
      throw ModelTooLarge(width: width, needed: needed, available: available)
    }
  }
}
