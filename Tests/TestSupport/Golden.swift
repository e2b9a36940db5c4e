import Core
import Foundation

/// What is wrong with a golden or a fixture, or with how a test asks for it.
public struct GoldenError: Error, CustomStringConvertible, Sendable {
  /// One line: which file and path, what was expected there.
  public let description: String

  /// An error that prints as `description`.
  public init(description: String) { self.description = description }
}

/// A part of a golden file: what PyTorch computed, as `Tests/Goldens/generate.py` wrote it.
///
/// Values below are found by paths such as `sgd/gradients/layer1.0.conv1.weight`. All tensors are
/// in PyTorch's layout (images NCHW, convolutions OIHW).
public struct Golden: Sendable {
  enum Node: Sendable {
    case object([String: Node])
    case tensor(GoldenTensor)
    case numbers([Double])
    case number(Double)
    case text(String)
    case rows([[Node]])
  }

  let node: Node
  let location: String

  /// The file `Tests/Goldens/<name>.json`.
  public static func load(_ name: String) throws -> Golden {
    let content = try JSONSerialization.jsonObject(with: Data(contentsOf: url(name)))
    return Golden(node: try Node(content, at: name), location: name)
  }

  /// Where the file `Tests/Goldens/<name>.json` is.
  public static func url(_ name: String) -> URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Goldens/\(name).json")
  }

  /// The part below `path`.
  public func branch(_ path: String) throws -> Golden {
    var node = self.node
    for key in path.split(separator: "/") {
      guard case .object(let parts) = node, let part = parts[String(key)] else {
        throw GoldenError(description: "\(location)/\(path): no '\(key)'")
      }
      node = part
    }
    return Golden(node: node, location: "\(location)/\(path)")
  }

  /// The keys directly below `path`, sorted.
  public func keys(_ path: String = "") throws -> [String] {
    guard case .object(let parts) = try branch(path).node else { throw unfit(path, "an object") }
    return parts.keys.sorted()
  }

  /// The tensor at `path`.
  public func tensor(_ path: String) throws -> GoldenTensor {
    guard case .tensor(let tensor) = try branch(path).node else { throw unfit(path, "a tensor") }
    return tensor
  }

  /// All tensors directly below `path`, by name.
  public func tensors(_ path: String) throws -> [String: GoldenTensor] {
    try Dictionary(uniqueKeysWithValues: keys(path).map { ($0, try tensor("\(path)/\($0)")) })
  }

  /// The list of numbers at `path`.
  public func numbers(_ path: String) throws -> [Double] {
    guard case .numbers(let numbers) = try branch(path).node else {
      throw unfit(path, "a list of numbers")
    }
    return numbers
  }

  /// The list of whole numbers at `path`.
  public func integers(_ path: String) throws -> [Int] { try numbers(path).map { Int($0) } }

  /// The number at `path`.
  public func number(_ path: String) throws -> Double {
    guard case .number(let number) = try branch(path).node else { throw unfit(path, "a number") }
    return number
  }

  /// The text at `path`.
  public func text(_ path: String) throws -> String {
    guard case .text(let text) = try branch(path).node else { throw unfit(path, "a text") }
    return text
  }

  /// Name, element type and shape of each tensor of the list at `path`, in order.
  public func layout(_ path: String) throws -> [(name: String, type: String, shape: [Int])] {
    guard case .rows(let rows) = try branch(path).node else { throw unfit(path, "a list of rows") }
    return try rows.map { row in
      guard case .text(let name)? = row.first, case .text(let type)? = row.dropFirst().first else {
        throw unfit(path, "rows of name, type and sizes")
      }
      let shape = row.dropFirst(2).compactMap { size -> Int? in
        if case .number(let size) = size { Int(size) } else { nil }
      }
      return (name, type, shape)
    }
  }

  private func unfit(_ path: String, _ expected: String) -> GoldenError {
    GoldenError(description: "\(location)/\(path): expected \(expected)")
  }
}

extension Golden.Node {
  /// The tree below one value of `JSONSerialization`.
  init(_ value: Any, at path: String) throws {
    if let parts = value as? [String: Any] {
      if let shape = parts["shape"] as? [Any] {
        self = .tensor(try GoldenTensor(shape: shape, parts: parts, at: path))
      } else {
        self = .object(
          try Dictionary(
            uniqueKeysWithValues: parts.map { ($0, try Self($1, at: "\(path)/\($0)")) }))
      }
    } else if let text = value as? String {
      self = .text(text)
    } else if let list = value as? [Any] {
      if let rows = list as? [[Any]], !rows.isEmpty {
        self = .rows(try rows.map { row in try row.map { try Self($0, at: path) } })
      } else {
        self = .numbers(try GoldenTensor.numbers(list, at: path))
      }
    } else {
      self = .number(try GoldenTensor.number(value, at: path))
    }
  }
}
