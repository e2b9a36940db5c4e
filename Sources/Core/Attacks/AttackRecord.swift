import Distributed
import Foundation

/// The folder of one attack run, as BackdoorBench lays it out; only rank 0 writes to it.
///
/// `attack_result.pt`, `bd_train_dataset/`, `bd_test_dataset/`, `info.pickle` and `info.json`,
/// `train_poison_index_list.pickle`, `attack_df.csv`, `attack_df_summary.csv`, the attack's own
/// artefacts, and our checkpoints (`CheckpointFolder`).
struct AttackRecord {
  let configuration: AttackConfiguration
  private let preparation: Preparation
  private var data: AttackData
  private(set) var frame: AttackDataFrame
  /// Test images that are like the triggered ones; nil where there are none.
  private(set) var crossTest: PoisonedDataset?

  /// The folder of those.
  static let crossName = "cross_test_dataset"

  init(_ configuration: AttackConfiguration, preparation: Preparation) {
    self.configuration = configuration
    self.preparation = preparation
    (data, crossTest) = (preparation.data, preparation.crossTest)
    frame = AttackDataFrame(columns: preparation.columns)
  }

  /// The sets that the model is judged by now.
  var testSets: TestSets { data.testSets }

  /// What the trigger does to test images, once `epochs` are over; nil where none is triggered.
  func triggerPicture(after epochs: Int) -> RunPicture? { data.triggerPicture(after: epochs) }

  /// Makes anew what the attack makes anew after an epoch, and after the last one; all ranks call
  /// it, and rank 0 writes it.
  mutating func renew(
    after step: any TrainingStep, isLast: Bool, on communicator: any Communicator
  ) throws {
    let renewal = try preparation.renewal?(step)
    let trained = isLast ? try preparation.trainedImages?(step) : nil
    if let renewal { (data.triggeredTest, crossTest) = (renewal.triggeredTest, renewal.crossTest) }
    if let trained { data.train = trained }
    let threads = ThreadCount.resolve(requested: configuration.threads)
    try communicator.onRankZero {
      if let renewal {
        try PoisonFolder.write(
          renewal.triggeredTest, to: "\(folder)/\(PoisonFolder.testName)", threads: threads)
        try writeCrossTest()
        for artefact in renewal.artefacts { try artefact.write("\(folder)/\(artefact.name)") }
      }
      if let trained {
        try PoisonFolder.write(
          trained, to: "\(folder)/\(PoisonFolder.trainName)", threads: threads)
        try writeIndexList()
      }
    }
  }

  private func writeCrossTest() throws {
    guard let crossTest else { return }
    try PoisonFolder.write(
      crossTest, to: "\(folder)/\(Self.crossName)",
      threads: ThreadCount.resolve(requested: configuration.threads))
  }

  /// Whether images are made anew by what was trained.
  var isRenewed: Bool { preparation.renewal != nil || preparation.trainedImages != nil }

  /// Archives the model anew with the images as they are now, on rank 0.
  func rearchive(_ model: ParameterStore) throws {
    try result(model.stateDict()).write(to: resultPath, arrays: configuration.archiveArrays)
  }

  var folder: String { configuration.folder }
  var resultPath: String { "\(folder)/attack_result.pt" }
  /// Whether an archive stands in the folder.
  var hasResult: Bool { FileManager.default.fileExists(atPath: resultPath) }
  private var framePath: String { "\(folder)/attack_df.csv" }
  private var summaryPath: String { "\(folder)/attack_df_summary.csv" }

  /// Writes all that is known before training: images, arguments, poison list, the frame so far.
  ///
  /// The model of a run resumed at the start of an epoch is archived anew: it may have been cut off
  /// right after the checkpoint. Within an epoch the archive of the last whole one is there.
  mutating func begin(_ saved: Checkpoint?) throws {
    let rows = saved?.rows ?? []
    let isWhole = saved.map { $0.samples == 0 && $0.epochs > 0 } ?? false
    let model = isWhole ? saved?.model : nil
    let threads = ThreadCount.resolve(requested: configuration.threads)
    try PoisonFolder.write(
      data.train, to: "\(folder)/\(PoisonFolder.trainName)", threads: threads)
    if preparation.renewal == nil || saved == nil {
      try PoisonFolder.write(
        data.triggeredTest, to: "\(folder)/\(PoisonFolder.testName)", threads: threads)
      try writeCrossTest()
    }
    for artefact in preparation.artefacts { try artefact.write("\(folder)/\(artefact.name)") }
    try InfoFile.write(
      (configuration.arguments + configuration.pixelArguments).map {
        .init($0.key, $0.value.archived)
      },
      to: "\(folder)/info.pickle")
    try writeIndexList()
    frame = AttackDataFrame(columns: preparation.columns)
    rows.forEach { frame.append($0) }
    try frame.write(to: framePath)
    // What is made anew after an epoch is archived once it is.
    if let model, preparation.renewal == nil {
      try result(model).write(to: resultPath, arrays: configuration.archiveArrays)
      try frame.writeSummary(to: summaryPath)
    }
  }

  /// Keeps one epoch whose checkpoint is saved: the archive, then the row that says it is there.
  mutating func finish(_ row: [AttackDataFrame.Value], model: ParameterStore) throws {
    let stateDict = model.stateDict()
    let epochs = frame.rows.count + 1
    try result(stateDict).write(to: resultPath, arrays: configuration.archiveArrays)
    let frequency = configuration.frequencySave
    if frequency > 0 && epochs % frequency == 0 {
      try DefenseResult(model: stateDict).write(to: "\(folder)/state_dict_epoch_\(epochs).pt")
    }
    try frame.append(row, to: framePath)
    try frame.writeSummary(to: summaryPath)
  }

  private func writeIndexList() throws {
    try PoisonIndexList.write(
      poisonIndicator(of: data.train, count: data.wholeTrainingCount),
      to: "\(folder)/train_poison_index_list.pickle", arrays: configuration.archiveArrays)
  }

  private func result(_ stateDict: StateDict) -> AttackResult {
    let images = data.train.images
    return AttackResult(
      modelName: configuration.model.archiveName, numClasses: images.classCount, model: stateDict,
      dataPath: configuration.archivePaths == .absolute
        ? dataPath : ArchivedPath.relative(dataPath, from: "data"),
      imageSize: [images.height, images.width, images.channels],
      cleanData: configuration.dataset,
      backdoorTrain: record(
        data.train, folder: PoisonFolder.trainName, count: data.wholeTrainingCount),
      backdoorTest: record(
        data.triggeredTest, folder: PoisonFolder.testName, count: data.cleanTest.count))
  }

  /// The folder of the dataset itself, which is what the originals keep:
  /// `<dataset_path>/<dataset>`.
  private var dataPath: String {
    let below = "\(configuration.datasetPath)/\(configuration.dataset)"
    return FileManager.default.fileExists(atPath: below) ? below : configuration.datasetPath
  }

  private func record(
    _ dataset: PoisonedDataset, folder name: String, count: Int
  ) -> PoisonedSetRecord {
    let place = "\(folder)/\(name)"
    let path =
      configuration.archivePaths == .absolute
      ? URL(fileURLWithPath: place).standardizedFileURL.path
      : ArchivedPath.relative(place, from: "record")
    let labels = dataset.isPoisoned.indices.filter { dataset.isPoisoned[$0] }
      .map { dataset.images.labels[$0] }
    let entries = zip(PoisonFolder.entries(of: dataset), labels).map { entry, label in
      PoisonedSetRecord.Entry(
        index: entry.index, path: "\(path)/\(entry.relativePath)",
        otherInfo: [label, entry.originalLabel])
    }
    return PoisonedSetRecord(
      saveFolderPath: path, entries: entries,
      originalIndices: dataset.originalIndices.map { Int64($0) },
      poisonIndicator: poisonIndicator(of: dataset, count: count))
  }

  /// 1 for each triggered image of the whole clean set of `count` images, else 0.
  private func poisonIndicator(of dataset: PoisonedDataset, count: Int) -> [Double] {
    var indicator = [Double](repeating: 0, count: count)
    for (index, isPoisoned) in zip(dataset.originalIndices, dataset.isPoisoned) where isPoisoned {
      indicator[index] = 1
    }
    return indicator
  }
}

extension ConfigValue {
  /// The value as Python keeps it.
  var archived: PickleValue {
    switch self {
    case .null: .none
    case .boolean(let value): .bool(value)
    case .integer(let value): .int(Int64(value))
    case .real(let value): .float(value)
    case .text(let value): .string(value)
    case .list(let values): .list(values.map(\.archived))
    }
  }
}
