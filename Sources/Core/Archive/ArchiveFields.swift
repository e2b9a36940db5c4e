/// Takes typed values out of a dictionary of an archive; errors name the file and the key.
struct ArchiveFields {
  let value: PickleValue
  let file: String
  /// Where the dictionary stands, such as `bd_test.bd_data_container`; empty at the root.
  let place: String

  /// The value under `key`.
  func value(_ key: String) throws -> PickleValue {
    if let found = value[key] { return found }
    throw ArchiveError.unexpected(
      file: file, place: place.isEmpty ? "root" : ArchiveError.quoted(place),
      expected: "a dict with the key '\(key)'",
      found: value.entries == nil ? value.typeName : "a dict without it")
  }

  /// The dictionary under `key`.
  func child(_ key: String) throws -> ArchiveFields {
    ArchiveFields(value: try value(key), file: file, place: path(key))
  }

  /// The text under `key`.
  func text(_ key: String) throws -> String {
    let value = try value(key)
    guard let text = value.text else { throw unexpected("a text", value, key: key) }
    return text
  }

  /// The whole number under `key`.
  func integer(_ key: String) throws -> Int {
    let value = try value(key)
    guard let integer = value.integer else { throw unexpected("an int", value, key: key) }
    return integer
  }

  /// The most numbers that are taken out of one value, far more than datasets have images: a view
  /// may repeat one element, and a bool becomes eight bytes.
  static let mostNumbers = 1 << 22

  /// The whole numbers under `key`: an array, a tensor, a list or a tuple.
  func integers(_ key: String) throws -> [Int64] {
    let value = try value(key)
    switch value {
    case .array(let array) where array.shape.count == 1 && array.count <= Self.mostNumbers:
      if let integers = array.integers { return integers }
    case .tensor(let tensor) where tensor.shape.count == 1 && tensor.count <= Self.mostNumbers:
      if let integers = tensor.integers { return integers }
    case .list(let items), .tuple(let items):
      let integers = items.compactMap(\.integer).map { Int64($0) }
      if integers.count == items.count { return integers }
    default: break
    }
    throw unexpected("at most \(Self.mostNumbers) whole numbers", value, key: key)
  }

  /// The numbers under `key`: an array, a tensor, a list or a tuple.
  func numbers(_ key: String) throws -> [Double] {
    let value = try value(key)
    if let numbers = Self.numbers(value) { return numbers }
    throw unexpected("at most \(Self.mostNumbers) numbers", value, key: key)
  }

  /// The numbers of a one-dimensional array or tensor, a list or a tuple, or nil.
  static func numbers(_ value: PickleValue) -> [Double]? {
    switch value {
    case .array(let array) where array.shape.count == 1 && array.count <= mostNumbers:
      return array.doubles
    case .tensor(let tensor) where tensor.shape.count == 1 && tensor.count <= mostNumbers:
      return tensor.doubles ?? tensor.integers?.map(Double.init)
    case .list(let items), .tuple(let items):
      let numbers = items.compactMap(\.number)
      return numbers.count == items.count ? numbers : nil
    default: return nil
    }
  }

  /// The error that `value`, under `key` or in this place, is not `expected`.
  func unexpected(_ expected: String, _ value: PickleValue, key: String? = nil) -> ArchiveError {
    .unexpected(
      file: file, place: ArchiveError.quoted(key.map(path) ?? (place.isEmpty ? "root" : place)),
      expected: expected, found: value.typeName)
  }

  private func path(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }
}
