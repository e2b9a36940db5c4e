/// A numpy element type: a kind letter and a size, such as `f8`.
///
/// Objects, structures and dates are not among them.
public struct NumpyType: Equatable, Sendable {
  /// The kinds, by numpy's letters.
  public enum Kind: Character, Sendable {
    case bool = "b"
    case signed = "i"
    case unsigned = "u"
    case float = "f"
    case complex = "c"
    case bytes = "S"
    case unicode = "U"
  }

  /// The kind of element.
  public let kind: Kind
  /// Bytes of one element.
  public let size: Int

  /// Signed 64-bit integers.
  public static let int64 = NumpyType(kind: .signed, size: 8)
  /// 64-bit floats.
  public static let float64 = NumpyType(kind: .float, size: 8)

  init(kind: Kind, size: Int) {
    self.kind = kind
    self.size = size
  }

  /// The type called `code`, such as `i8` or `U2`, or nil where it is not of numbers or text.
  init?(code: String) {
    guard let letter = code.first, let kind = Kind(rawValue: letter),
      let number = Int(code.dropFirst()), number >= 1, number <= 1 << 20
    else { return nil }
    let sizes: [Int]? =
      switch kind {
      case .bool: [1]
      case .signed, .unsigned: [1, 2, 4, 8]
      case .float: [2, 4, 8]
      case .complex: [8, 16]
      case .bytes, .unicode: nil
      }
    guard sizes?.contains(number) ?? true else { return nil }
    self.init(kind: kind, size: kind == .unicode ? 4 * number : number)
  }

  /// The code of constructors, such as `i8`; for text the number counts characters.
  var code: String { "\(kind.rawValue)\(kind == .unicode ? size / 4 : size)" }

  /// Numpy's mark of byte order: `|` where there is none, `<` for little-endian.
  var orderMark: String { swapSize == 1 ? "|" : "<" }

  /// The name in Python, such as `int64`.
  public var name: String {
    switch kind {
    case .bool: "bool"
    case .signed: "int\(size * 8)"
    case .unsigned: "uint\(size * 8)"
    case .float: "float\(size * 8)"
    case .complex: "complex\(size * 8)"
    case .bytes: "bytes\(size)"
    case .unicode: "str\(size / 4)"
    }
  }

  /// Bytes that change places together between byte orders.
  var swapSize: Int {
    switch kind {
    case .bytes: 1
    case .complex: size / 2
    case .unicode: 4
    default: size
    }
  }
}

/// A numpy array, row-major and little-endian whatever its file said.
public struct NumpyArray: Equatable, Sendable {
  /// The element type.
  public let type: NumpyType
  /// The size of each dimension; empty for a scalar.
  public let shape: [Int]
  /// The elements, row-major, little-endian.
  public let bytes: [UInt8]

  /// An array whose bytes must be those of its shape.
  init(type: NumpyType, shape: [Int], bytes: [UInt8]) {
    precondition(
      TensorGeometry.product(shape + [type.size]) == bytes.count,
      "\(bytes.count) bytes for \(shape) \(type.code)")
    self.type = type
    self.shape = shape
    self.bytes = bytes
  }

  /// A one-dimensional int64 array.
  public init(_ values: [Int64]) {
    self.init(type: .int64, shape: [values.count], bytes: values.withUnsafeBytes { Array($0) })
  }

  /// A one-dimensional float64 array.
  public init(_ values: [Double]) {
    self.init(type: .float64, shape: [values.count], bytes: values.withUnsafeBytes { Array($0) })
  }

  /// The elements of a bool or integer array, or nil for other types and values beyond int64.
  public var integers: [Int64]? {
    switch (type.kind, type.size) {
    case (.bool, _), (.unsigned, 1): bytes.map(Int64.init)
    case (.signed, 1): bytes.map { Int64(Int8(bitPattern: $0)) }
    case (.signed, 2): elements(Int16.self, Int64.init)
    case (.signed, 4): elements(Int32.self, Int64.init)
    case (.signed, 8): elements(Int64.self) { $0 }
    case (.unsigned, 2): elements(UInt16.self, Int64.init)
    case (.unsigned, 4): elements(UInt32.self, Int64.init)
    case (.unsigned, 8): unsignedElements
    default: nil
    }
  }

  /// The elements of a number array as float64, or nil for text and complex numbers.
  public var doubles: [Double]? {
    switch (type.kind, type.size) {
    case (.float, 2): elements(UInt16.self) { Double(Float16(bitPattern: $0)) }
    case (.float, 4): elements(UInt32.self) { Double(Float(bitPattern: $0)) }
    case (.float, 8): elements(UInt64.self, Double.init(bitPattern:))
    case (.complex, _), (.bytes, _), (.unicode, _): nil
    default: integers?.map(Double.init)
    }
  }

  /// The number of elements.
  var count: Int { bytes.count / type.size }

  /// The first `count` elements, row-major, as an array of one dimension.
  func first(_ count: Int) -> NumpyArray {
    let count = min(count, self.count)
    return NumpyArray(type: type, shape: [count], bytes: Array(bytes.prefix(count * type.size)))
  }

  private var unsignedElements: [Int64]? {
    let values = elements(Int64.self) { $0 }
    return values.allSatisfy { $0 >= 0 } ? values : nil
  }

  private func elements<T: FixedWidthInteger, R>(_ element: T.Type, _ value: (T) -> R) -> [R] {
    let size = MemoryLayout<T>.size
    return bytes.withUnsafeBytes { memory in
      (0..<memory.count / size).map {
        value(T(littleEndian: memory.loadUnaligned(fromByteOffset: $0 * size, as: T.self)))
      }
    }
  }
}
