/// What an archive says of a poisoned set: which images, where their PNGs are, and their labels.
public struct PoisonedSetRecord: Equatable, Sendable {
  /// One poisoned image.
  public struct Entry: Equatable, Sendable {
    /// The index within the clean dataset.
    public var index: Int
    /// The path of the PNG as the writer knew it.
    public var path: String
    /// The changed label, then the original one.
    public var otherInfo: [Int]

    /// One poisoned image.
    public init(index: Int, path: String, otherInfo: [Int]) {
      self.index = index
      self.path = path
      self.otherInfo = otherInfo
    }
  }

  /// The folder of the PNGs as the writer knew it.
  public var saveFolderPath: String
  /// The poisoned images, indices ascending.
  public var entries: [Entry]
  /// The images that belong to the set: all of them in training, the poisoned ones in testing.
  public var originalIndices: [Int64]
  /// 1 for each poisoned image of the whole clean dataset, else 0.
  public var poisonIndicator: [Double]

  /// A record of a poisoned set.
  public init(
    saveFolderPath: String, entries: [Entry], originalIndices: [Int64], poisonIndicator: [Double]
  ) {
    self.saveFolderPath = saveFolderPath
    self.entries = entries
    self.originalIndices = originalIndices
    self.poisonIndicator = poisonIndicator
  }
}

extension PoisonedSetRecord {
  /// The record in `value`, BackdoorBench's `bd_train` or `bd_test`.
  init(_ value: PickleValue, file: String, place: String) throws {
    let fields = ArchiveFields(value: value, file: file, place: place)
    guard value.entries != nil else { throw fields.unexpected("a dict", value) }
    if value["bd_data_container"] == nil, value["x"] != nil {
      throw ArchiveError.unsupported(
        file: file, kind: "an archive of BackdoorBench's first version (images inside the pickle)",
        remedy: "attack again; only the model in it could be used")
    }
    let container = try fields.child("bd_data_container")
    try self.init(
      saveFolderPath: container.text("save_folder_path"),
      entries: Self.entries(container.child("data_dict")),
      originalIndices: fields.integers("original_index_array"),
      poisonIndicator: fields.numbers("poison_indicator"))
  }

  private static func entries(_ fields: ArchiveFields) throws -> [Entry] {
    guard let pairs = fields.value.entries else { throw fields.unexpected("a dict", fields.value) }
    return try pairs.map { pair in
      guard let index = pair.key.integer, index >= 0 else {
        throw fields.unexpected("an image index", pair.key)
      }
      let entry = ArchiveFields(
        value: pair.value, file: fields.file, place: "\(fields.place).\(index)")
      guard pair.value.entries != nil else { throw entry.unexpected("a dict", pair.value) }
      let labels = try entry.value("other_info")
      // One long list, shared by all entries, would be copied for each.
      guard labels.items?.count ?? 0 <= 16 else {
        throw entry.unexpected("the changed and the original label", labels, key: "other_info")
      }
      return try Entry(
        index: index, path: entry.text("path"),
        otherInfo: entry.integers("other_info").map { Int($0) })
    }
  }

  /// The record as BackdoorBench keeps it.
  func archived(_ arrays: ArchiveArrays) -> PickleValue {
    let images = entries.map { entry in
      PickleValue.Entry(
        .int(Int64(entry.index)),
        .dictionary([
          .init("path", .string(entry.path)),
          .init("other_info", .list(entry.otherInfo.map { .int(Int64($0)) })),
        ]))
    }
    let container: [PickleValue.Entry] = [
      .init("save_folder_path", .string(saveFolderPath)),
      .init("data_dict", .dictionary(images)),
      .init("save_file_format", .string(".png")),
    ]
    return .dictionary([
      .init("bd_data_container", .dictionary(container)),
      .init("getitem_all", .bool(true)),
      .init("getitem_all_switch", .bool(false)),
      .init("original_index_array", arrays.archive(originalIndices)),
      .init("poison_indicator", arrays.archive(poisonIndicator)),
      .init("save_folder_path", .string(saveFolderPath)),
    ])
  }
}

extension ArchiveArrays {
  /// Integers as an array or a list.
  func archive(_ values: [Int64]) -> PickleValue {
    switch self {
    case .numpy: .array(NumpyArray(values))
    case .lists: .list(values.map { .int($0) })
    }
  }

  /// Numbers as an array or a list.
  func archive(_ values: [Double]) -> PickleValue {
    switch self {
    case .numpy: .array(NumpyArray(values))
    case .lists: .list(values.map { .float($0) })
    }
  }
}
