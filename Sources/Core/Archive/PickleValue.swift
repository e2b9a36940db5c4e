/// A value that a pickle may hold, as plain data.
///
/// Python's identities are not kept: a list that stood in two places is two equal values, which
/// share their storage.
public enum PickleValue: Equatable, Sendable {
  case none
  case bool(Bool)
  case int(Int64)
  /// An integer beyond 64 bits.
  case bigInteger(BigInteger)
  case float(Double)
  case string(String)
  case bytes([UInt8])
  case list([PickleValue])
  case tuple([PickleValue])
  case set([PickleValue])
  /// A `dict` in its insertion order.
  case dictionary([Entry])
  /// A `collections.OrderedDict`; `metadata` is what a state_dict keeps as `_metadata`.
  case orderedDictionary([Entry], metadata: [Entry]?)
  indirect case tensor(TorchTensor)
  indirect case array(NumpyArray)
  /// A numpy scalar: an array of one element and no dimensions.
  indirect case numpyScalar(NumpyArray)
  case numpyType(NumpyType)
  case torchSize([Int])
  case torchType(TorchType)
  case torchDevice(String)

  /// One key and its value.
  public struct Entry: Equatable, Sendable {
    /// The key.
    public var key: PickleValue
    /// The value.
    public var value: PickleValue

    /// An entry under any key.
    public init(_ key: PickleValue, _ value: PickleValue) {
      self.key = key
      self.value = value
    }

    /// An entry under a text key.
    public init(_ key: String, _ value: PickleValue) {
      self.init(.string(key), value)
    }
  }
}

extension PickleValue {
  /// The entries of a dictionary of either kind, or nil.
  public var entries: [Entry]? {
    switch self {
    case .dictionary(let entries), .orderedDictionary(let entries, _): entries
    default: nil
    }
  }

  /// The value under the text `key` of a dictionary of either kind, or nil.
  public subscript(key: String) -> PickleValue? {
    entries?.first { $0.key.isText(key) }?.value
  }

  /// A text, also a short one that an old pickle kept as bytes, or nil.
  public var text: String? {
    switch self {
    case .string(let text): text
    case .bytes(let bytes):
      bytes.count <= PickleLimits.nameSize ? String(validating: bytes, as: UTF8.self) : nil
    default: nil
    }
  }

  /// Whether it is the text `key`, found without a copy.
  private func isText(_ key: String) -> Bool {
    switch self {
    case .string(let text): text.utf8.count == key.utf8.count && text == key
    case .bytes(let bytes): bytes.count == key.utf8.count && bytes.elementsEqual(key.utf8)
    default: false
    }
  }

  /// A whole number: an int, or a numpy scalar of an integer type, or nil.
  public var integer: Int? {
    switch self {
    case .int(let value): Int(exactly: value)
    case .numpyScalar(let scalar): scalar.integers?.first.flatMap { Int(exactly: $0) }
    default: nil
    }
  }

  /// A number as a float, or nil.
  public var number: Double? {
    switch self {
    case .int(let value): Double(value)
    case .float(let value): value
    case .numpyScalar(let scalar): scalar.doubles?.first
    default: nil
    }
  }

  /// The items of a list or tuple, or nil.
  public var items: [PickleValue]? {
    switch self {
    case .list(let items), .tuple(let items): items
    default: nil
    }
  }

  /// The Python name of the type, such as `dict` or `numpy.ndarray`.
  public var typeName: String {
    switch self {
    case .none: "None"
    case .bool: "bool"
    case .int, .bigInteger: "int"
    case .float: "float"
    case .string: "str"
    case .bytes: "bytes"
    case .list: "list"
    case .tuple: "tuple"
    case .set: "set"
    case .dictionary: "dict"
    case .orderedDictionary: "OrderedDict"
    case .tensor: "tensor"
    case .array: "numpy.ndarray"
    case .numpyScalar(let scalar): "numpy.\(scalar.type.name)"
    case .numpyType: "numpy.dtype"
    case .torchSize: "torch.Size"
    case .torchType: "torch.dtype"
    case .torchDevice: "torch.device"
    }
  }
}
