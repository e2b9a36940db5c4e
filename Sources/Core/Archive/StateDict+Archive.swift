extension StateDict {
  /// The state_dict in `value`: a dictionary from names to tensors.
  ///
  /// Floating-point tensors become float32, integers int64. Prefixes that wrappers of modules put
  /// before every name, such as DataParallel's `module.`, are taken off.
  /// - Parameter place: where in `file` the value stands, for messages; empty for its root.
  /// - Throws: `ArchiveError` naming the entry.
  public init(_ value: PickleValue, file: String, place: String) throws {
    guard let pairs = value.entries else {
      throw Self.unexpected(value, "a state_dict", file, place.isEmpty ? "root" : place)
    }
    var entries: [Entry] = []
    var budget = ExpansionBudget()
    for pair in pairs {
      guard let name = pair.key.text, !name.isEmpty else {
        throw Self.unexpected(pair.key, "the name of a tensor", file, place)
      }
      let path = ArchiveError.quoted(place.isEmpty ? name : "\(place).\(name)")
      guard case .tensor(let tensor) = pair.value else {
        throw Self.unexpected(pair.value, "a tensor", file, path)
      }
      guard budget.admits(tensor) else {
        throw ArchiveError.refused(
          file: file, place: path, problem: "tensors far larger than the data behind them")
      }
      guard let values = Values(tensor) else {
        throw Self.unexpected(pair.value, "a tensor of floats or integers", file, path)
      }
      entries.append(Entry(name: name, shape: tensor.shape, values: values))
    }
    self.init(Self.withoutPrefixes(entries))
  }

  /// The state_dict as PyTorch saves it: an OrderedDict of tensors with `_metadata`.
  public var archived: PickleValue {
    .orderedDictionary(
      entries.map {
        .init($0.name, .tensor(TorchTensor(shape: $0.shape, values: $0.values)))
      }, metadata: moduleVersions)
  }

  static func unexpected(
    _ value: PickleValue, _ expected: String, _ file: String, _ place: String
  ) -> ArchiveError {
    var found = value.typeName
    if case .tensor(let tensor) = value { found = "a tensor of \(tensor.type)" }
    return .unexpected(file: file, place: place, expected: expected, found: found)
  }
}

extension StateDict.Values {
  /// The elements of `tensor`, or nil for bools and complex numbers.
  fileprivate init?(_ tensor: TorchTensor) {
    if tensor.type == .bool { return nil }
    if let floats = tensor.floats {
      self = .float32(floats)
    } else if let integers = tensor.integers {
      self = .int64(integers)
    } else {
      return nil
    }
  }
}

/// Keeps views that repeat or share storage, and small integers, from filling the memory when each
/// is copied out.
private struct ExpansionBudget {
  /// Bytes of the storages, and of the copies as floats or 64-bit integers.
  private var stored = 0, copied = 0
  private static let allowance = 64 << 20
  private var seen: Set<ObjectIdentifier> = []

  mutating func admits(_ tensor: TorchTensor) -> Bool {
    if seen.insert(ObjectIdentifier(tensor.storage)).inserted {
      stored += tensor.storage.count * tensor.type.size
    }
    let isFloat = [.float16, .bfloat16, .float32, .float64].contains(tensor.type)
    copied += tensor.count * (isFloat ? 4 : 8)
    return copied <= 2 * stored + Self.allowance
  }
}
