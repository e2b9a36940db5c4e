import Distributed
import Foundation

/// The triggered test images of an archived model: those beside it, or an attack's trigger anew.
///
/// Every rank has them; rank 0 alone reads the folder.
struct TriggeredTestImages {
  let attacked: AttackedModel
  /// The clean test images.
  let clean: LabeledImages
  let labels: LabelTransform
  let communicator: any Communicator

  /// What was found beside the archive.
  enum Found {
    case images(PoisonedDataset)
    /// None that may be used, and why.
    case absent(String)
  }

  /// The images of `bd_test_dataset`, if the archive's record is of them.
  ///
  /// Of a folder that no record speaks of they are taken only where `isTargetGiven`.
  func beside(isTargetGiven: Bool) throws -> Found {
    var read: PoisonedDataset?
    let problem = try communicator.fromRankZero { () -> String? in
      let folder = "\(folder)/\(PoisonFolder.testName)"
      if let problem = try self.problem(of: folder, isTargetGiven: isTargetGiven) { return problem }
      read =
        attacked.triggered?.entries.isEmpty == true
        ? none
        : try PoisonFolder.read(
          folder, height: clean.height, width: clean.width, classNames: clean.classNames,
          labels: labels)
      return nil
    }
    if let problem { return .absent(problem) }
    let lists = try communicator.fromRankZero {
      [read?.originalLabels ?? [], read?.originalIndices ?? []]
    }
    let pixels = try communicator.fromRankZero(bytes: read?.images.pixels ?? [])
    let images = LabeledImages(
      pixels: pixels, labels: lists[0].map { labels($0) }, height: clean.height,
      width: clean.width, classNames: clean.classNames)
    return .images(
      PoisonedDataset(
        images: images, originalLabels: lists[0],
        isPoisoned: Array(repeating: true, count: images.count), originalIndices: lists[1]))
  }

  /// All clean images that the attack is measured on, with the trigger that `attack` makes.
  func anew(_ attack: any Attack, normalization: Normalization) throws -> PoisonedDataset {
    var place = TriggerPlace(
      height: clean.height, width: clean.width, folder: attacked.description.runFolder,
      normalization: normalization, communicator: communicator)
    place.testCount = clean.count
    let trigger = try attack.trigger(for: place)
    return PoisonedDataset.test(clean, trigger: trigger, labels: labels)
  }

  /// A line where `images` are not numbered as the clean ones are, so that both need not be of the
  /// same dataset; nil where they are.
  func mismatch(of images: PoisonedDataset) -> String? {
    let odd = zip(images.originalIndices, images.originalLabels).first { index, label in
      index >= clean.count || clean.labels[index] != label
    }
    guard let (index, label) = odd else { return nil }
    let there =
      index < clean.count
      ? "of class \(clean.labels[index])" : "none, which has \(clean.count)"
    return
      "\(PoisonFolder.testName): image \(index) is of class \(label) there, but in the dataset "
      + "\(there): C-ACC and ASR may be of different images"
  }

  private var none: PoisonedDataset {
    PoisonedDataset(
      images: clean.selecting([]), originalLabels: [], isPoisoned: [], originalIndices: [])
  }

  /// The folder in which the images would be.
  private var folder: String {
    let description = attacked.description
    return description.runFolder ?? ArchivePlace(description.source ?? attacked.path).folder
  }

  private func problem(of path: String, isTargetGiven: Bool) throws -> String? {
    let (record, name) = (attacked.triggered, PoisonFolder.testName)
    guard FileManager.default.fileExists(atPath: path) else {
      return record?.entries.isEmpty == true ? nil : "no \(name) in \(folder)"
    }
    let isDescribed = attacked.description.cleanData != nil || record != nil
    if isDescribed && attacked.description.runFolder == nil {
      return "\(path) is of the \(ArchivePlace.attackName) beside it"
    }
    guard let record else {
      return isTargetGiven
        ? nil : "no archive says what the images of \(path) are to be taken for (--attack_target)"
    }
    return try PoisonFolder.difference(of: path, from: record).map {
      "\(path) is not what \(attacked.path) speaks of: \($0)"
    }
  }
}
