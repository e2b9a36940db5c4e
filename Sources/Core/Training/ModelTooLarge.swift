import Foundation

/// Images that are too small for a network.
public struct ImagesTooSmall: Error, Equatable, Sendable, CustomStringConvertible {
  let (kind, side): (NetworkKind, Int)
  let (height, width): (Int, Int)

  /// One line: what is needed and what there is.
  public var description: String {
    "model: \(kind.name) expected images of at least \(side)x\(side), found \(height)x\(width)"
  }
}

extension NetworkKind {
  /// Throws unless images of this size are more than nothing after all of its strides.
  func requireFit(height: Int, width: Int) throws {
    guard min(height, width) >= leastSide else {
      throw ImagesTooSmall(kind: self, side: leastSide, height: height, width: width)
    }
  }
}

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

  /// Throws where a network of `kind` cannot be held, before any memory is asked for; `memory` is in
  /// bytes.
  public static func check(
    _ kind: NetworkKind, width: Int, classCount: Int,
    memory: UInt64 = ProcessInfo.processInfo.physicalMemory
  ) throws {
    let parameters = kind.parameterCount(of: NetworkSize(width: width), classCount: classCount)
    let (needed, available) = (3 * MemoryLayout<Float>.stride * parameters, Int(clamping: memory))
    guard needed <= available else {
      throw ModelTooLarge(width: width, needed: needed, available: available)
    }
  }
}
