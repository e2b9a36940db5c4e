/// A model's tensors by name, in PyTorch's order and layout (convolutions OIHW, linear [out, in]).
public struct StateDict: Equatable, Sendable {
  /// The values of one tensor, row-major.
  public enum Values: Equatable, Sendable {
    case float32([Float])
    case int64([Int64])

    /// The number of elements.
    public var count: Int {
      switch self {
      case .float32(let values): values.count
      case .int64(let values): values.count
      }
    }
  }

  /// One named tensor.
  public struct Entry: Equatable, Sendable {
    /// The name, such as `layer1.0.conv1.weight`.
    public var name: String
    /// The size of each dimension; empty for a scalar.
    public var shape: [Int]
    /// The elements, row-major.
    public var values: Values

    /// A tensor whose element count must equal the product of `shape`.
    public init(name: String, shape: [Int], values: Values) {
      precondition(
        shape.reduce(1, *) == values.count, "\(name): \(values.count) values for \(shape)")
      self.name = name
      self.shape = shape
      self.values = values
    }
  }

  /// The tensors in module order.
  public var entries: [Entry]

  /// A state_dict of `entries`.
  public init(_ entries: [Entry] = []) { self.entries = entries }

  /// The entry called `name`.
  public subscript(name: String) -> Entry? { entries.first { $0.name == name } }
}
