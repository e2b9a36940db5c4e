import Distributed

/// An attack: a value with settings of its own, which the run of all attacks is handed.
///
/// A new one is a file with such a type, and a word in `Attacks.all`. Where settings alone decide
/// what is put into each image, it is a `PixelAttack`.
package protocol Attack: Method {
  /// The settings of its trigger, which commands take too that apply it anew to test images.
  static var triggerFields: [ConfigField<Self>] { get }
  /// All other settings, of training alone.
  static var trainingFields: [ConfigField<Self>] { get }

  /// Sets what all attacks share to what this one starts from, where that is another.
  static func setDefaults(of configuration: inout AttackConfiguration)

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
  package static var fields: [ConfigField<Self>] { triggerFields + trainingFields }
  package static var triggerFields: [ConfigField<Self>] { [] }
  package static var trainingFields: [ConfigField<Self>] { [] }
  package static func setDefaults(of configuration: inout AttackConfiguration) {}
  package var keepsLabels: Bool { false }
}

/// An attack whose settings alone decide what is put into each image.
package protocol PixelAttack: Attack {
  /// The trigger for images of `height` x `width`.
  ///
  /// Throws `ImageError` where an image cannot be read.
  func trigger(height: Int, width: Int) throws -> any Trigger
}

extension PixelAttack {
  package func prepare(_ stage: AttackStage) throws -> Preparation {
    let made = try stage.communicator.together {
      try self.trigger(height: stage.height, width: stage.width)
    }
    return try stage.preparation(trigger: made)
  }

  package func trigger(for place: TriggerPlace) throws -> any Trigger {
    try trigger(height: place.height, width: place.width)
  }
}

/// An attack that makes its trigger from a clean model.
package protocol CleanModelAttack: Attack {
  /// The archive of that model; nil trains one first.
  var cleanModelPath: String? { get set }
  /// Whether its settings are such that it takes one.
  var takesCleanModel: Bool { get }
}

extension CleanModelAttack {
  package var takesCleanModel: Bool { true }
}

/// Where a trigger is applied without its run.
package struct TriggerPlace {
  /// Rows and columns of an image.
  package var height: Int, width: Int
  /// The folder of the run that has trained the model; nil where there is none.
  package var folder: String?
  /// How pixels become the model's inputs.
  package var normalization: Normalization
  /// The ranks that apply it.
  package var communicator: any Communicator
  /// Images in the whole test set, where that is known.
  package var testCount: Int?
  /// The settings of a run, from which material may be made that no folder holds.
  package var stage: AttackStage?

  /// A place for images of `height` x `width`, of a run in `folder`.
  package init(
    height: Int, width: Int, folder: String? = nil, normalization: Normalization,
    communicator: any Communicator, stage: AttackStage? = nil
  ) {
    (self.height, self.width, self.folder) = (height, width, folder)
    (self.normalization, self.communicator, self.stage) = (normalization, communicator, stage)
  }
}

/// What an attack's training needs beside what all attacks share.
package struct Preparation {
  /// What is trained on, and what the model is judged by.
  package var data: AttackData
  /// Files for the run's folder; rank 0 writes them when the run begins.
  package var artefacts: [Artefact]
  /// The step, given the one that trains the classifier alone; nil is that one.
  package var step: ((ClassifierStep) throws -> any TrainingStep)?
  /// The triggered test images after an epoch, on all ranks, and files that belong to them; nil
  /// where they are those of `data` throughout.
  package var renewal: ((any TrainingStep) throws -> Renewal)?
  /// The training images as the finished model is to be archived with; nil is those of `data`.
  package var trainedImages: ((any TrainingStep) throws -> PoisonedDataset)?
  /// Test images that are like the triggered ones and keep their labels; nil where there are none.
  package var crossTest: PoisonedDataset?
  /// Whether each training image is cropped and flipped by itself, before the step has it.
  package var augmentsImages = true
  /// Whether the images at an epoch's end that fill no batch are left out.
  package var dropsLastBatch = true
  /// How the classifier's learning rate falls; nil is as the settings say.
  package var schedule: LearningRateSchedule?
  /// What is trained, for progress lines; nil is the attack, or without poison a clean model.
  package var phase: String?

  /// Data with files for the run's folder.
  package init(_ data: AttackData, artefacts: [Artefact] = []) {
    (self.data, self.artefacts) = (data, artefacts)
  }
}

/// What an attack that learns its trigger is judged by after an epoch.
package struct Renewal {
  /// The triggered test images.
  package var triggeredTest: PoisonedDataset
  /// Those that are like them; nil where there are none.
  package var crossTest: PoisonedDataset?
  /// Files for the run's folder, written before the archive that they belong to.
  package var artefacts: [Artefact] = []
}

/// A file that an attack leaves in its run's folder, so that its trigger can be applied again.
package struct Artefact: Sendable {
  /// The file's name.
  package var name: String
  /// Writes it to a path, atomically.
  package var write: @Sendable (_ path: String) throws -> Void

  /// A file that `write` writes.
  package init(_ name: String, write: @escaping @Sendable (_ path: String) throws -> Void) {
    (self.name, self.write) = (name, write)
  }
}

/// A preparation that a signal has stopped; known to all ranks.
package struct PreparationStopped: Error {
  /// What the training that it is part of had come to.
  package var outcome: AttackOutcome
}
