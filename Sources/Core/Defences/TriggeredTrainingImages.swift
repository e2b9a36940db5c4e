import Distributed
import Foundation

/// Images that truly carry the attack's trigger, as those who test a defence have them: the run's own
/// in `bd_train_dataset`, else the trigger applied anew.
struct TriggeredTrainingImages {
  let stage: DefenceStage

  private var communicator: any Communicator { stage.communicator }
  private var description: AttackedModel.Description { stage.attacked.description }

  /// Such images on all ranks, ordered by their index; what the attack wants them to be taken for, and
  /// their classes before it.
  ///
  /// Those of the run are its training images that are poisoned by its record. Throws one-line
  /// errors, `SharedFailure` where all ranks know of it.
  func load() throws -> PoisonedDataset {
    if let kept = try kept(labels()) { return kept }
    stage.stage.tell(
      .warning(
        "no images in \(PoisonFolder.trainName) of \(folder): the trigger of "
          + "\(stage.shared.attack?.rawValue ?? "the attack") is applied anew"))
    return try anew()
  }

  /// Those whose own class is not what the attack wants: the others say nothing of the trigger.
  ///
  /// A clean-label attack keeps none of them; the trigger is then applied anew.
  func telling() throws -> PoisonedDataset {
    let kept = try load().telling
    return kept.images.count > 0 ? kept : try anew().telling
  }

  private func labels() throws -> LabelTransform {
    try communicator.together {
      try LabelTransform(
        stage.shared.labelTransform, target: stage.shared.attackTarget,
        classCount: stage.images.classCount)
    }
  }

  /// The run's own; nil where none are kept.
  private func kept(_ labels: LabelTransform) throws -> PoisonedDataset? {
    var read: PoisonedDataset?
    let count = try communicator.fromRankZero { () -> Int in
      let folder = "\(folder)/\(PoisonFolder.trainName)"
      // A clean run leaves the folder empty.
      guard
        try FileManager.default.fileExists(atPath: folder)
          && !FileManager.default.contentsOfDirectory(atPath: folder).isEmpty
      else { return 0 }
      let all = try PoisonFolder.read(
        folder, height: stage.images.height, width: stage.images.width,
        classNames: stage.images.classNames, labels: labels)
      let chosen = try poisoned(all)
      read = chosen
      return chosen.images.count
    }
    guard count > 0 else { return nil }
    let lists = try communicator.fromRankZero {
      [read?.originalLabels ?? [], read?.originalIndices ?? []]
    }
    let pixels = try communicator.fromRankZero(bytes: read?.images.pixels ?? [])
    return PoisonedDataset(
      images: LabeledImages(
        pixels: pixels, labels: lists[0].map { labels($0) }, height: stage.images.height,
        width: stage.images.width, classNames: stage.images.classNames),
      originalLabels: lists[0], isPoisoned: [Bool](repeating: true, count: count),
      originalIndices: lists[1])
  }

  /// Those of `all` that the archive's record calls poisoned, with the label of the attack.
  ///
  /// Some attacks keep images there that carry another one's trigger. Without a record all count.
  private func poisoned(_ all: PoisonedDataset) throws -> PoisonedDataset {
    let archive = "\(folder)/\(ArchivePlace.attackName)"
    guard FileManager.default.fileExists(atPath: archive),
      let record = try AttackResult.read(path: archive).backdoorTrain
    else { return all }
    let given = Dictionary(
      record.entries.compactMap { entry in entry.otherInfo.first.map { (entry.index, $0) } }
    ) { first, _ in first }
    let indicator = record.poisonIndicator
    let positions = all.images.labels.indices.filter { position in
      let index = all.originalIndices[position]
      return index < indicator.count && indicator[index] == 1
        && given[index] == all.images.labels[position]
    }
    return PoisonedDataset(
      images: all.images.selecting(positions),
      originalLabels: positions.map { all.originalLabels[$0] },
      isPoisoned: positions.map { all.isPoisoned[$0] },
      originalIndices: positions.map { all.originalIndices[$0] })
  }

  /// The clean images with the trigger that the attack's settings amount to.
  func anew() throws -> PoisonedDataset {
    let labels = try labels()
    guard let attack = stage.shared.attack else {
      throw TriggeredImagesError.unknownAttack(folder: folder)
    }
    if let line = description.absence(of: attack, given: stage.shared.settings) {
      stage.stage.tell(.warning(line))
    }
    let place = TriggerPlace(
      height: stage.images.height, width: stage.images.width, folder: description.runFolder,
      normalization: stage.normalization, communicator: communicator)
    let trigger = try communicator.together {
      try description.settings(of: attack, given: stage.shared.settings).trigger(for: place)
    }
    return PoisonedDataset.test(stage.images, trigger: trigger, labels: labels)
  }

  /// The folder of the attack's run.
  private var folder: String {
    description.runFolder
      ?? ArchivePlace(description.source ?? stage.attacked.path).folder
  }
}

extension PoisonedDataset {
  /// The images whose own class is another than they are labelled with.
  fileprivate var telling: PoisonedDataset {
    let positions = originalLabels.indices.filter { originalLabels[$0] != images.labels[$0] }
    return PoisonedDataset(
      images: images.selecting(positions), originalLabels: positions.map { originalLabels[$0] },
      isPoisoned: positions.map { isPoisoned[$0] },
      originalIndices: positions.map { originalIndices[$0] })
  }
}

/// Why there are no triggered images.
enum TriggeredImagesError: Error, Equatable, CustomStringConvertible {
  /// None are kept, and nobody says which attack it was.
  case unknownAttack(folder: String)
  /// There are none.
  case none

  /// One line: what was expected and found.
  var description: String {
    switch self {
    case .unknownAttack(let folder):
      "\(folder): expected triggered images in \(PoisonFolder.trainName), found none; name the "
        + "attack by --attack, and its trigger is applied anew"
    case .none:
      "expected clean images of other classes than the target's, to put the trigger into; found none "
        + "(--split_ratio)"
    }
  }
}
