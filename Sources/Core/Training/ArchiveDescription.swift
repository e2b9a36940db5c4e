import Foundation

extension AttackedModel {
  /// What is needed to build the model and to find its data; travels between ranks as JSON.
  struct Description: Codable, Equatable {
    /// The network, by this program's name.
    var modelName: String
    /// What the archive calls it, or would.
    var archivedName: String
    var size: NetworkSize
    var classCount: Int
    /// What the archive calls its tensors.
    var names: TensorNames
    /// What the tensors cannot say and was assumed, a line each.
    var remarks: [String] = []
    /// Height, width and channels; nil where no archive says it, so that the images do.
    var imageSize: [Int]?
    /// The dataset; nil where no archive says it.
    var cleanData: String?
    var dataPath: String?
    /// The label of every triggered test image where that is one and the same, else nil.
    var target: Int?
    var hasTriggeredImages = false
    /// The attack that the run's arguments or its folder name.
    var attack: String?
    /// The run's arguments, by key, as far as a setting can have such values.
    var runSettings: [String: ConfigValue] = [:]
    /// The keys of those arguments that name a file, by `…_path`, where none is.
    var absentFiles: Set<String> = []
    /// How the run scaled pixels, where its arguments say so.
    var pixelStatistics = PixelStatistics()
    /// The folder with the run's images and arguments; nil where none is this archive's.
    var runFolder: String?
    /// The archive that the description is taken from; nil where it is the model's own, or none.
    var source: String?

    /// The planes of the first stage.
    var width: Int { size.width }

    /// How the attack changed the labels of its triggered images, where there are some.
    var labelTransform: LabelTransformName { target == nil ? .all2all : .all2one }
  }
}

/// An archive as rank 0 reads it, once: the tensors, what they are, and which images are triggered.
struct ArchiveContent {
  var model: StateDict
  var description: AttackedModel.Description
  /// The triggered test images that the archive, or its attack's, names; nil where none does.
  var triggered: PoisonedSetRecord?

  /// Reads the archive at `path`.
  ///
  /// What the file says of its data counts, whatever lies beside it. Only where it says nothing, as
  /// a defence's result and a bare state_dict, is that taken from the attack's archive. Throws
  /// `AttackedModelError` or `ArchiveError`, one line each.
  static func read(path: String, request: ArchiveRequest) throws -> ArchiveContent {
    guard FileManager.default.fileExists(atPath: path) else {
      throw AttackedModelError.missing(path: path)
    }
    let value = try TorchArchive.read(path: path)
    let defense = try DefenseResult(value, file: path)
    let (model, known) = try request.recognize(defense.model, path: path)
    var description = known
    let notes = try ArchiveNotes.read(value, path: path)
    description.take(name: defense.modelName ?? notes?.modelName)
    let classCount = description.classCount
    guard let notes, notes.path == path || (notes.classCount ?? classCount) == classCount else {
      return ArchiveContent(model: model, description: description, triggered: nil)
    }
    (description.imageSize, description.cleanData) = (notes.imageSize, notes.cleanData)
    (description.dataPath, description.runFolder) = (notes.dataPath, notes.runFolder)
    description.source = notes.path == path ? nil : notes.path
    description.attack = notes.attack
    description.pixelStatistics = notes.runFolder.map(ArchiveNotes.statistics) ?? PixelStatistics()
    description.runSettings = notes.runFolder.map(ArchiveNotes.settings) ?? [:]
    description.absentFiles = Set(
      description.runSettings.filter { key, value in
        guard key.hasSuffix("_path"), case .text(let file) = value else { return false }
        return !FileManager.default.fileExists(atPath: file)
      }.keys)
    try description.noteLabels(of: notes.triggered, path: notes.path)
    return ArchiveContent(model: model, description: description, triggered: notes.triggered)
  }
}

extension AttackedModel.Description {
  /// Notes what the triggered images of `record` are to be taken for.
  fileprivate mutating func noteLabels(of record: PoisonedSetRecord?, path: String) throws {
    let pairs = (record?.entries ?? []).map(\.otherInfo)
    let labels = Set(pairs.compactMap(\.first))
    hasTriggeredImages = !labels.isEmpty
    target = labels.count == 1 ? labels.first : nil
    let isKnown =
      labels.count <= 1
      || pairs.allSatisfy { pair in
        pair.count > 1 && 0..<classCount ~= pair[1]
          && pair[0] == LabelTransform.allToAll(classCount: classCount)(pair[1])
      }
    guard isKnown else {
      throw AttackedModelError.tensors(
        path: path,
        problem:
          "bd_test: expected one target for all images, or for each the class after its own, "
          + "found \(labels.count) targets")
    }
  }
}

/// What an archive says beside its tensors.
private struct ArchiveNotes {
  let path: String
  var modelName: String?
  var classCount: Int?
  var imageSize: [Int]?
  var cleanData: String?
  var dataPath: String?
  var triggered: PoisonedSetRecord?
  var runFolder: String?
  /// The attack that the run's folder names.
  var attack: String?

  /// The notes in `value`, the content of `path`, or in the archive that describes it; nil where
  /// there are none.
  static func read(_ value: PickleValue, path: String) throws -> ArchiveNotes? {
    if ["clean_data", "img_size", "bd_test"].contains(where: { value[$0] != nil }) {
      return try ArchiveNotes(value, path: path)
    }
    guard let other = ArchivePlace(path).describingArchive else { return nil }
    return try read(TorchArchive.read(path: other), path: other)
  }

  private init(_ value: PickleValue, path: String) throws {
    let fields = ArchiveFields(value: value, file: path, place: "")
    self.path = path
    modelName = try value["model_name"].map { _ in try fields.text("model_name") }
    classCount = value["num_classes"]?.integer
    cleanData = try value["clean_data"].map { _ in try fields.text("clean_data") }
    dataPath = try value["data_path"].map { _ in try fields.text("data_path") }
    imageSize = try value["img_size"].map { _ in
      try Self.imageSize(fields.integers("img_size").map { Int($0) }, path: path)
    }
    if let record = value["bd_test"], record != .none {
      triggered = try PoisonedSetRecord(record, file: path, place: "bd_test")
    }
    runFolder = ArchivePlace(path).runFolder
    attack = runFolder.flatMap(Self.attack(in:))
  }

  /// How the run in `folder` scaled pixels, by its arguments.
  static func statistics(in folder: String) -> PixelStatistics {
    var result = PixelStatistics()
    var noted = PixelStatistics()
    let keys = PixelStatistics.notedKeys
    let names = ["mean": "mean", "std": "std", keys.mean: "mean", keys.deviation: "std"]
    for entry in (try? InfoFile.read(path: "\(folder)/info.pickle")) ?? [] {
      guard let value = ConfigValue(entry.value), let key = entry.key.text, let name = names[key],
        let field = PixelStatistics.fields.first(where: { $0.key == name })
      else { continue }
      if key == name { _ = field.assign(value, &result) } else { _ = field.assign(value, &noted) }
    }
    return result.completed(by: noted)
  }

  /// The arguments of the run in `folder`; none where they cannot be read.
  static func settings(in folder: String) -> [String: ConfigValue] {
    var settings: [String: ConfigValue] = [:]
    for entry in (try? InfoFile.read(path: "\(folder)/info.pickle")) ?? [] {
      guard let key = entry.key.text, let value = ConfigValue(entry.value), value.isFinite
      else { continue }
      settings[key] = value
    }
    return settings
  }

  /// The attack by the run's arguments, else by its folder's name, `<attack>/pratio_…`.
  private static func attack(in folder: String) -> String? {
    let place = "\(folder)/info.pickle"
    if FileManager.default.fileExists(atPath: place),
      let named = (try? InfoFile.read(path: place))?.last(where: { $0.key.text == "attack" })
    {
      return named.value.text
    }
    let names = folder.split(separator: "/").suffix(2)
    guard names.count == 2, names.last?.hasPrefix("pratio_") == true else { return nil }
    return names.first.map(String.init)
  }

  private static func imageSize(_ size: [Int], path: String) throws -> [Int] {
    let sides = LabeledImages.sides
    guard size.count == 3, size[2] == 3, size[0...1].allSatisfy({ sides.contains($0) }) else {
      throw AttackedModelError.tensors(
        path: path,
        problem: "img_size: expected (height, width, 3) with sides of \(sides.lowerBound) to "
          + "\(sides.upperBound), found \(size)")
    }
    return size
  }
}

extension ConfigValue {
  /// Whether it can travel between ranks.
  fileprivate var isFinite: Bool {
    switch self {
    case .real(let value): value.isFinite
    case .list(let values): values.allSatisfy(\.isFinite)
    case .null, .boolean, .integer, .text: true
    }
  }
}
