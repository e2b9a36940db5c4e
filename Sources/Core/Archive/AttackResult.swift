/// An `attack_result.pt`: the attacked model, what it was trained on, and the poisoned sets.
public struct AttackResult: Equatable, Sendable {
  /// The architecture, such as `resnet18`.
  public var modelName: String
  /// The number of classes.
  public var numClasses: Int
  /// The model's tensors, without DataParallel's `module.`.
  public var model: StateDict
  /// Where the clean data were, such as `../data/cifar10`.
  public var dataPath: String
  /// Height, width and channels of an image.
  public var imageSize: [Int]
  /// The dataset, such as `cifar10`.
  public var cleanData: String
  /// The poisoned training set; nil for attacks that keep none.
  public var backdoorTrain: PoisonedSetRecord?
  /// The triggered test set.
  public var backdoorTest: PoisonedSetRecord

  /// An attack's result.
  public init(
    modelName: String, numClasses: Int, model: StateDict, dataPath: String, imageSize: [Int],
    cleanData: String, backdoorTrain: PoisonedSetRecord?, backdoorTest: PoisonedSetRecord
  ) {
    self.modelName = modelName
    self.numClasses = numClasses
    self.model = model
    self.dataPath = dataPath
    self.imageSize = imageSize
    self.cleanData = cleanData
    self.backdoorTrain = backdoorTrain
    self.backdoorTest = backdoorTest
  }

  /// Reads the archive at `path`.
  /// - Throws: `ArchiveError`, one line, also for the format of BackdoorBench's first version.
  public static func read(path: String) throws -> AttackResult {
    let fields = ArchiveFields(value: try TorchArchive.read(path: path), file: path, place: "")
    let train = try fields.value("bd_train")
    return try AttackResult(
      modelName: fields.text("model_name"),
      numClasses: fields.integer("num_classes"),
      model: StateDict(fields.value("model"), file: path, place: "model"),
      dataPath: fields.text("data_path"),
      imageSize: fields.integers("img_size").map { Int($0) },
      cleanData: fields.text("clean_data"),
      backdoorTrain: train == .none
        ? nil : PoisonedSetRecord(train, file: path, place: "bd_train"),
      backdoorTest: PoisonedSetRecord(fields.value("bd_test"), file: path, place: "bd_test"))
  }

  /// Writes the archive to `path` atomically.
  ///
  /// - Parameter arrays: as numpy arrays, which is what the originals write and all their code
  ///   reads; or as lists, which `torch.load` opens with its defaults.
  /// - Throws: `ArchiveError` or `FileError`; the file at `path` is then unchanged.
  public func write(to path: String, arrays: ArchiveArrays = .numpy) throws {
    try TorchArchive.write(
      .dictionary([
        .init("model_name", .string(modelName)),
        .init("num_classes", .int(Int64(numClasses))),
        .init("model", model.archived),
        .init("data_path", .string(dataPath)),
        .init("img_size", .tuple(imageSize.map { .int(Int64($0)) })),
        .init("clean_data", .string(cleanData)),
        .init("bd_train", backdoorTrain?.archived(arrays) ?? .none),
        .init("bd_test", backdoorTest.archived(arrays)),
      ]), to: path)
  }
}

/// A `train_poison_index_list.pickle`: 1 for each poisoned training image, else 0.
public enum PoisonIndexList {
  /// Reads the indicator, of one number an image.
  public static func read(path: String) throws -> [Double] {
    let value = try TorchArchive.read(path: path)
    guard let numbers = ArchiveFields.numbers(value) else {
      throw ArchiveError.unexpected(
        file: path, place: "root", expected: "an array of numbers", found: value.typeName)
    }
    return numbers
  }

  /// Writes the indicator to `path` atomically, as float64.
  public static func write(
    _ indicator: [Double], to path: String, arrays: ArchiveArrays = .numpy
  ) throws {
    try TorchArchive.write(arrays.archive(indicator), to: path)
  }
}
