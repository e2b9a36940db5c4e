import Distributed

/// An attack: a value with settings of its own, which the run of all attacks is handed.
///
/// A new one is a file with such a type, and a word in `Attacks.all`. Where settings alone decide
/// what is put into each image, it is a `PixelAttack`.
public protocol Attack: Equatable, Sendable {
  /// The name on the command line and in archives: BackdoorBench's where it has one.
  static var name: String { get }
  /// What it does, in a line without a full stop.
  static var summary: String { get }
  /// The settings of its trigger, which commands take too that apply it anew to test images.
  static var triggerFields: [ConfigField<Self>] { get }
  /// All other settings, of training alone.
  static var trainingFields: [ConfigField<Self>] { get }

  /// The attack with its defaults.
  init()

  /// Whether images of the target class alone are poisoned, which keep their label.
  var keepsLabels: Bool { get }

  /// What its training needs; all ranks call it together.
  ///
  /// Throws one-line errors, `SharedFailure` where all ranks know of it, and `PreparationStopped`.
  func prepare(_ stage: AttackStage) throws -> Preparation

  /// The trigger for test images where no run is under way; all ranks call it together.
  func trigger(for place: TriggerPlace) throws -> any Trigger
}

extension Attack {
  public static var triggerFields: [ConfigField<Self>] { [] }
  public static var trainingFields: [ConfigField<Self>] { [] }
  public var keepsLabels: Bool { false }
}

/// An attack whose settings alone decide what is put into each image.
public protocol PixelAttack: Attack {
  /// The trigger for images of `height` x `width`.
  ///
  /// Throws `ImageError` where an image cannot be read.
  func trigger(height: Int, width: Int) throws -> any Trigger
}

extension PixelAttack {
  public func prepare(_ stage: AttackStage) throws -> Preparation {
    try stage.preparation(trigger: trigger(height: stage.height, width: stage.width))
  }

  public func trigger(for place: TriggerPlace) throws -> any Trigger {
    try trigger(height: place.height, width: place.width)
  }
}

/// An attack that makes its trigger from a clean model.
public protocol CleanModelAttack: Attack {
  /// The archive of that model; nil trains one first.
  var cleanModelPath: String? { get set }
}

/// Where a trigger is applied without its run.
public struct TriggerPlace {
  /// Rows and columns of an image.
  public var height: Int, width: Int
  /// The folder of the run that has trained the model; nil where there is none.
  public var folder: String?
  /// How pixels become the model's inputs.
  public var normalization: Normalization
  /// The ranks that apply it.
  public var communicator: any Communicator
  /// The settings of a run, from which material may be made that no folder holds.
  public var stage: AttackStage?

  /// A place for images of `height` x `width`, of a run in `folder`.
  public init(
    height: Int, width: Int, folder: String? = nil, normalization: Normalization,
    communicator: any Communicator, stage: AttackStage? = nil
  ) {
    (self.height, self.width, self.folder) = (height, width, folder)
    (self.normalization, self.communicator, self.stage) = (normalization, communicator, stage)
  }
}

/// What an attack's training needs beside what all attacks share.
public struct Preparation {
  /// What is trained on, and what the model is judged by.
  public var data: AttackData
  /// Files for the run's folder; rank 0 writes them when the run begins.
  public var artefacts: [Artefact]
  /// The step, given the one that trains the classifier alone; nil is that one.
  public var step: ((ClassifierStep) throws -> any TrainingStep)?
  /// The triggered test images after an epoch, on all ranks, and files that belong to them; nil
  /// where they are those of `data` throughout.
  public var renewal: ((any TrainingStep) throws -> Renewal)?
  /// The training images as the finished model is to be archived with; nil is those of `data`.
  public var trainedImages: ((any TrainingStep) throws -> PoisonedDataset)?
  /// Whether each training image is cropped and flipped by itself, before the step has it.
  public var augmentsImages = true

  /// Data with files for the run's folder.
  public init(_ data: AttackData, artefacts: [Artefact] = []) {
    (self.data, self.artefacts) = (data, artefacts)
  }
}

/// What an attack that learns its trigger is judged by after an epoch.
public struct Renewal {
  /// The triggered test images.
  public var triggeredTest: PoisonedDataset
  /// Files for the run's folder, written before the archive that they belong to.
  public var artefacts: [Artefact] = []
}

/// A file that an attack leaves in its run's folder, so that its trigger can be applied again.
public struct Artefact: Sendable {
  /// The file's name.
  public var name: String
  /// Writes it to a path, atomically.
  public var write: @Sendable (_ path: String) throws -> Void

  /// A file that `write` writes.
  public init(_ name: String, write: @escaping @Sendable (_ path: String) throws -> Void) {
    (self.name, self.write) = (name, write)
  }
}

/// A preparation that a signal has stopped; known to all ranks.
public struct PreparationStopped: Error {
  /// What the training that it is part of had come to.
  public var outcome: AttackOutcome
}
