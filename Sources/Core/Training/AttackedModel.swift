import Distributed
import Foundation

/// Why an archive cannot be tuned or evaluated.
public enum AttackedModelError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The archive is not there.
  case missing(path: String)
  /// The model in it is none of ours.
  case unknownModel(path: String, name: String)
  /// A setting given on the command line is not the archive's.
  case differs(path: String, key: String, archive: String, given: String)
  /// A held-out tuning set was asked for, but the attack trained on these images.
  case notHeldOut(folder: String)
  /// The tensors do not fit the architecture.
  case tensors(path: String, problem: String)

  /// One line: which file, what was expected and found.
  public var description: String {
    switch self {
    case .missing(let path):
      "\(path): no such archive; run `fst attack` with the same settings first, or name the archive"
    case .unknownModel(let path, let name):
      "\(path): expected model_name \(Self.modelNames), found '\(name)'"
    case .differs(let path, let key, let archive, let given):
      "\(path): \(key) is \(archive) in the archive, but \(given) was given"
    case .notHeldOut(let folder):
      "\(folder): tuning_split held_out needs an attack that left these images out; "
        + "attack with --tuning_split held_out and the same --split_ratio too, "
        + "or tune with --tuning_split random"
    case .tensors(let path, let problem):
      "\(path): \(problem)"
    }
  }

  private static var modelNames: String {
    ModelArchitecture.allCases.map(\.rawValue).joined(separator: " or ")
  }
}

/// A model from an archive, on every rank, with what the archive says about it.
struct AttackedModel {
  /// What is needed to build the model and to find its data; travels between ranks as JSON.
  struct Description: Codable {
    var modelName: String
    var width: Int
    var classCount: Int
    var imageSize: [Int]
    var cleanData: String
    var dataPath: String
    /// The label of every triggered test image where that is one and the same, else nil.
    var target: Int?
    var hasTriggeredImages: Bool

    /// How the attack changed the labels of its triggered images, where there are some.
    var labelTransform: LabelTransformName { target == nil ? .all2all : .all2one }
  }

  let description: Description
  let model: ResNet18
  private let architecture: ModelArchitecture

  /// Reads `path` on rank 0 and gives every rank the model.
  ///
  /// A defence's archive has no description of the data: that comes from `attack_result.pt` in
  /// `folder`, if it is there, and from the tensors' shapes.
  init(path: String, folder: String, communicator: any Communicator) throws {
    var tensors = StateDict()
    description = try communicator.fromRankZero {
      guard FileManager.default.fileExists(atPath: path) else {
        throw AttackedModelError.missing(path: path)
      }
      let defense = try DefenseResult.read(path: path)
      tensors = defense.model
      return try Self.describe(defense, path: path, folder: folder)
    }
    let size = description.imageSize
    guard let architecture = ModelArchitecture(rawValue: description.modelName) else {
      throw AttackedModelError.unknownModel(path: path, name: description.modelName)
    }
    self.architecture = architecture
    model = ResNet18(
      architecture, width: description.width, classCount: description.classCount,
      inputShape: Shape(batch: 0, height: size[0], width: size[1], channels: size[2]))
    let store = model.store
    try communicator.onRankZero {
      do { try store.load(tensors) } catch let mismatch as StateDictMismatch {
        throw AttackedModelError.tensors(path: path, problem: mismatch.description)
      }
    }
    try communicator.broadcast(store)
  }

  private init(_ other: AttackedModel, model: ResNet18) {
    description = other.description
    architecture = other.architecture
    self.model = model
  }

  /// The same with a model of its own, which may be trained.
  func copy() -> AttackedModel {
    let twin = ResNet18(
      architecture, width: description.width, classCount: description.classCount,
      inputShape: model.inputShape)
    let (from, to) = (model.store, twin.store)
    to.values.pointer.update(from: from.values.pointer, count: from.values.count)
    to.buffers.pointer.update(from: from.buffers.pointer, count: from.buffers.count)
    to.batchesTracked = from.batchesTracked
    return AttackedModel(self, model: twin)
  }

  private static func describe(
    _ defense: DefenseResult, path: String, folder: String
  ) throws -> Description {
    let (stem, head) = (defense.model["conv1.weight"], defense.model["linear.weight"])
    guard let stem, let head, stem.shape.count == 4, head.shape.count == 2, stem.shape[0] > 0,
      head.shape[0] > 0
    else {
      let problem =
        "expected tensors conv1.weight [planes, 3, 3, 3] and linear.weight "
        + "[classes, features] of this program's ResNet18, found "
        + (defense.model["fc.weight"] == nil ? "another network" : "torchvision's, with fc.weight")
      throw AttackedModelError.tensors(path: path, problem: problem)
    }
    try requireResNet18(width: stem.shape[0], head: head.shape, in: defense.model, path: path)
    let attackPath = "\(folder)/attack_result.pt"
    let attack =
      FileManager.default.fileExists(atPath: attackPath)
      ? try AttackResult.read(path: attackPath) : nil
    let labels = Set(attack?.backdoorTest.entries.compactMap { $0.otherInfo.first } ?? [])
    let isPreActivation = defense.model["bn1.weight"] == nil
    let guess: ModelArchitecture = isPreActivation ? .preactresnet18 : .resnet18
    return Description(
      modelName: defense.modelName ?? attack?.modelName ?? guess.rawValue,
      width: stem.shape[0], classCount: head.shape[0],
      imageSize: try imageSize(attack?.imageSize ?? [32, 32, 3], path: attackPath),
      cleanData: attack?.cleanData ?? "", dataPath: attack?.dataPath ?? "",
      target: labels.count == 1 ? labels.first : nil, hasTriggeredImages: !labels.isEmpty)
  }

  /// Throws unless the largest tensors are there too: only then is memory taken for such a model.
  private static func requireResNet18(
    width: Int, head: [Int], in model: StateDict, path: String
  ) throws {
    let last = "layer4.1.conv2.weight"
    let features = width.multipliedReportingOverflow(by: 8).partialValue
    let (expected, found) = ([features, features, 3, 3], model[last]?.shape ?? [])
    guard found == expected, head[1] == features else {
      throw AttackedModelError.tensors(
        path: path,
        problem: "of width \(width), so expected \(last) \(expected) and linear.weight "
          + "[\(head[0]), \(features)], found \(found) and \(head)")
    }
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

/// The triggered test images beside an archive, on every rank; rank 0 alone reads the folder.
enum TriggeredTestImages {
  /// Reads `folder`/bd_test_dataset; nil where that is absent.
  static func read(
    besideArchiveIn folder: String, matching clean: LabeledImages, labels: LabelTransform,
    communicator: any Communicator
  ) throws -> PoisonedDataset? {
    let path = "\(folder)/\(PoisonFolder.testName)"
    let exists = try communicator.fromRankZero { FileManager.default.fileExists(atPath: path) }
    guard exists else { return nil }
    var read: PoisonedDataset?
    let lists = try communicator.fromRankZero { () -> [[Int]] in
      let dataset = try PoisonFolder.read(
        path, height: clean.height, width: clean.width, classNames: clean.classNames,
        labels: labels)
      read = dataset
      return [dataset.originalLabels, dataset.originalIndices]
    }
    let pixels = try communicator.fromRankZero(bytes: read?.images.pixels ?? [])
    let images = LabeledImages(
      pixels: pixels, labels: lists[0].map { labels($0) }, height: clean.height,
      width: clean.width, classNames: clean.classNames)
    return PoisonedDataset(
      images: images, originalLabels: lists[0],
      isPoisoned: Array(repeating: true, count: images.count), originalIndices: lists[1])
  }
}
