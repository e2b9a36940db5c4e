import Distributed
import Foundation

/// Why an archive cannot be tuned or evaluated.
public enum AttackedModelError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The archive is not there.
  case missing(path: String)
  /// A setting given on the command line is not the archive's.
  case differs(path: String, key: String, archive: String, given: String)
  /// What triggered images are to be taken for is not what the archive says of those beside it.
  case otherTarget(path: String, archive: String, given: String)
  /// A held-out tuning set was asked for, but the attack trained on these images.
  case notHeldOut(folder: String)
  /// The tensors do not fit the architecture.
  case tensors(path: String, problem: String)

  /// One line: which file, what was expected and found.
  public var description: String {
    switch self {
    case .missing(let path):
      "\(path): no such archive; run `fst attack` with the same settings first, or name the archive"
    case .differs(let path, let key, let archive, let given):
      "\(path): \(key) is \(archive) in the archive, but \(given) was given"
    case .otherTarget(let path, let archive, let given):
      "\(path): its triggered images are \(archive), but \(given) was given; "
        + "name the attack by --attack too, and its trigger is applied anew"
    case .notHeldOut(let folder):
      "\(folder): tuning_split held_out needs an attack that left these images out; "
        + "attack with --tuning_split held_out and the same --split_ratio too, "
        + "or tune with --tuning_split random"
    case .tensors(let path, let problem):
      "\(path): \(problem)"
    }
  }
}

/// An archive that was read: its description on every rank, the rest on rank 0.
struct AttackedArchive {
  let path: String
  let description: AttackedModel.Description
  private let content: ArchiveContent?

  /// Reads `path` on rank 0, once, and tells every rank what it is.
  init(
    path: String, request: ArchiveRequest = ArchiveRequest(), communicator: any Communicator
  ) throws {
    self.path = path
    var read: ArchiveContent?
    description = try communicator.fromRankZero {
      let content = try ArchiveContent.read(path: path, request: request)
      read = content
      return content.description
    }
    content = read
  }

  /// The tensors; empty on other ranks than 0.
  fileprivate var tensors: StateDict { content?.model ?? StateDict() }
  /// What is said of the triggered test images; nil on other ranks than 0.
  fileprivate var triggered: PoisonedSetRecord? { content?.triggered }
}

/// A model from an archive, on every rank, with what the archive says about it.
struct AttackedModel {
  let path: String
  let description: Description
  let model: Network
  /// The triggered test images that the archive names; nil on other ranks than 0.
  let triggered: PoisonedSetRecord?

  /// Gives every rank the model of `archive`, for images of the size that it names, else of that of
  /// `images`.
  init(
    _ archive: AttackedArchive, for images: LabeledImages, communicator: any Communicator
  ) throws {
    (path, description, triggered) = (archive.path, archive.description, archive.triggered)
    let path = path
    let size = description.imageSize ?? [images.height, images.width, images.channels]
    guard let kind = description.kind else { preconditionFailure(description.modelName) }
    try communicator.together { try kind.requireFit(height: size[0], width: size[1]) }
    model = Network(
      kind, size: description.size, classCount: description.classCount,
      inputShape: Shape(batch: 0, height: size[0], width: size[1], channels: size[2]))
    let store = model.store
    try communicator.onRankZero {
      do {
        try store.load(archive.tensors)
        try archive.tensors.requireSense()
      } catch let mismatch as StateDictMismatch {
        throw AttackedModelError.tensors(path: path, problem: mismatch.description)
      }
    }
    try communicator.broadcast(store)
    try communicator.together { try requireFit(of: images) }
  }

  private init(_ other: AttackedModel, model: Network) {
    (path, description, triggered) = (other.path, other.description, other.triggered)
    self.model = model
  }

  /// Its tensors, with the names that its archive has.
  var stateDict: StateDict { description.names.archived(model.store.stateDict()) }

  /// The same with a model of its own, which may be trained.
  func copy() -> AttackedModel {
    let twin = Network(
      model.kind, size: model.size, classCount: description.classCount,
      inputShape: model.inputShape)
    let (from, to) = (model.store, twin.store)
    to.values.pointer.update(from: from.values.pointer, count: from.values.count)
    to.buffers.pointer.update(from: from.buffers.pointer, count: from.buffers.count)
    to.batchesTracked = from.batchesTracked
    return AttackedModel(self, model: twin)
  }

  /// Throws unless images of this kind can be put into the model.
  private func requireFit(of images: LabeledImages) throws {
    let shape = model.inputShape
    guard images.height == shape.height && images.width == shape.width else {
      throw AttackedModelError.differs(
        path: path, key: "img_size", archive: "\(shape.height)x\(shape.width)",
        given: "a dataset of \(images.height)x\(images.width)")
    }
    guard images.classCount == model.head.outputs else {
      throw AttackedModelError.differs(
        path: path, key: "num_classes", archive: "\(model.head.outputs)",
        given: "a dataset of \(images.classCount)")
    }
  }
}

extension AttackedModel.Description {
  /// Where the dataset is: the folder given, else where the archive's own is found; else `usual`, or
  /// what the archive says, so that the message names it.
  func dataPath(given: String?, archive: String, usual: String? = nil) -> String {
    if let given { return given }
    guard let archived = dataPath, !archived.isEmpty else { return usual ?? "./data" }
    let found = ArchivedPath.findData(archived, archive: source ?? archive)
    return found ?? usual ?? archived
  }

  /// What images are resized to: the side that was given, else what the archive says; nil is the
  /// dataset's own.
  func size(given side: Int?) -> ImageSize? {
    if let side { return ImageSize(side: side) }
    return imageSize.map { ImageSize(width: $0[1], height: $0[0]) }
  }

  /// A line where the archive's dataset was found at `place`, which is not the path that it keeps.
  func foundElsewhere(_ place: String) -> String? {
    guard let dataPath, dataPath != place, cleanData.flatMap(Datasets.named)?.needsFiles != false,
      FileManager.default.fileExists(atPath: place)
    else { return nil }
    return "the archive's dataset '\(dataPath)' is taken to be \(place)"
  }

  /// What the user should know of where the description of `archive` comes from, and of what it
  /// does not say.
  func origins(
    of archive: String, dataset: String, statistics: PixelStatistics, isDatasetGiven: Bool
  ) -> [TrainingEvent] {
    var events = remarks.map { TrainingEvent.warning("\(archive): \($0)") }
    if let source {
      let line =
        "\(archive) says nothing of its data; dataset, image size and target are from \(source)"
      // Beside an attack's archive may lie anything; below defense/ lies what was made of it.
      events.append(ArchivePlace(archive).runOfDefense == nil ? .warning(line) : .message(line))
    } else if cleanData == nil {
      let pixels = statistics.normalization(of: dataset).words
      let line =
        "\(archive) says nothing of its data; it is taken for a model of \(dataset), classes in "
        + "that order, pixels with \(pixels) (--mean, --std)"
      events.append(isDatasetGiven ? .message(line) : .warning(line))
    }
    return events
  }
}

extension Normalization {
  /// What it subtracts and divides by.
  fileprivate var words: String {
    let list = { (values: [Float]) in values.map { "\($0)" }.joined(separator: ",") }
    return "mean \(list(mean)) and deviation \(list(standardDeviation))"
  }
}
