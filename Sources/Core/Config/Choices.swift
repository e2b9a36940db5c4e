/// How an attack changes labels: every class to one target, or each class to its successor.
public enum LabelTransformName: String, CaseIterable, Sendable {
  case all2one, all2all
}

/// Learning-rate schedules, by the names of the field's command lines.
public enum ScheduleName: String, CaseIterable, Sendable {
  case cosine = "CosineAnnealingLR"
  case multiStep = "MultiStepLR"
  case constant
  case oneCycle = "OneCycleLR"
  case plateau = "ReduceLROnPlateau"
}

/// The ways to tune a backdoored model on clean data (FST paper, section 4 and its baselines).
public enum FineTuningMode: String, CaseIterable, Sendable {
  case ft
  case ftInit = "ft-init"
  case feTuning = "fe-tuning"
  case lp
  case fst

  /// What it does, in a line.
  public var summary: String {
    switch self {
    case .ft: "trains everything"
    case .ftInit: "trains everything, from a new head"
    case .feTuning: "trains everything but the head, which is new"
    case .lp: "trains the head alone"
    case .fst: "as ft-init, and pushes the new head away from the old one"
    }
  }
}

/// Whether a run goes on from the checkpoints in its folder.
public enum ResumeMode: String, CaseIterable, Sendable {
  /// It starts anew; what stands in the folder is moved aside.
  case off
  /// It goes on; checkpoints of which none can be used are an error.
  case on
  /// It goes on where a checkpoint can be used, else starts anew: for jobs that are queued again.
  case auto
}

/// Where the clean tuning images come from.
public enum TuningSplit: String, CaseIterable, Sendable {
  /// A random share of all training images, so it overlaps the attack's training set.
  case random
  /// The first images of each class, left out of the attack's training set.
  case heldOut = "held_out"
}

/// How `attack_result.pt` stores its integer and float arrays.
public enum ArchiveArrays: String, CaseIterable, Sendable {
  /// As numpy arrays, like the originals.
  case numpy
  /// As plain lists, which `torch.load` opens with its defaults.
  case lists
}

/// How `attack_result.pt` names the dataset and the triggered images.
public enum ArchivePaths: String, CaseIterable, Sendable {
  /// Without what tells of the machine: from the working folder, `data` or `record` on.
  case relative
  /// In full, like the originals, some of whose tools open the images by these paths.
  case absolute
}

/// The two forms in which the field's tools write a `defense_result.pt`.
public enum DefenseForm: String, CaseIterable, Sendable {
  /// The state_dict itself, as the FST scripts write it.
  case bare
  /// A dictionary of `model_name`, `num_classes` and `model`, as BackdoorBench writes it.
  case dict
}
