import Distributed

/// trojannn: a pattern that excites a few inputs of a clean model's head (Liu et al., Trojaning
/// Attack on Neural Networks, NDSS 2018).
public struct TrojanNN: CleanModelAttack {
  public static let name = "trojannn"
  public static let summary = "a pattern that excites neurons of a clean model, added to the image"

  /// The trigger of an earlier run; nil makes one.
  public var imagePath: String?
  public var cleanModelPath: String?
  /// What the trigger is made from.
  public var making = TrojanSettings()

  public init() {}

  public static let triggerFields: [ConfigField<Self>] = [
    .text("attack_trigger_img_path", \.imagePath, "an image file").role(.image)
  ]

  public static let trainingFields: [ConfigField<Self>] = [
    // No part of what a run is: a resumed run has its trigger already.
    .text("pretrain_model_path", \.cleanModelPath, "the archive of a clean model").role(.output),
    .text("mask_path", \.making.maskPath, "an image file"),
    .integer("num_neuron", \.making.neuronCount, 1...countLimit),
    .number("neuron_target_values", \.making.neuronTarget, .finite),
    .integer("mask_update_iters", \.making.iterations, 0...countLimit),
    .number("trojan_eps", \.making.epsilon, .share),
    .number("trojan_alpha", \.making.step, .positiveShare),
    .fixed("selected_layer_name", .text("linear")),
    .fixed("selected_layer_param_name", .text("linear.weight")),
  ]

  /// The trigger is the one that was given, the one of the run that is gone on with, or is made from
  /// a clean model.
  public func prepare(_ stage: AttackStage) throws -> Preparation {
    let known = try stage.communicator.fromRankZero {
      imagePath != nil || stage.isContinued
        ? try TrojanImage.read(given: imagePath, folder: stage.configuration.folder) : nil
    }
    let image =
      try known
      ?? TrojanImage.make(
        from: stage.cleanModel(given: cleanModelPath), settings: making, stage: stage)
    return try stage.preparation(
      trigger: TrojanTrigger(pattern: image, height: stage.height, width: stage.width),
      artefacts: [
        Artefact(TrojanTrigger.fileName) { try ImageFile.writePNGAtomically(image, to: $0) }
      ])
  }

  /// The trigger is the image that is given, else one made from the clean model that is, else the
  /// run's own.
  public func trigger(for place: TriggerPlace) throws -> any Trigger {
    if imagePath == nil, let archive = cleanModelPath, let stage = place.stage {
      let image = try TrojanImage.make(from: archive, settings: making, stage: stage)
      return TrojanTrigger(pattern: image, height: place.height, width: place.width)
    }
    let read = try place.communicator.fromRankZero {
      try TrojanImage.read(given: imagePath, folder: place.folder)
    }
    guard let read else { throw TriggerError.noTrojanImage }
    return TrojanTrigger(pattern: read, height: place.height, width: place.width)
  }
}

extension AttackName {
  /// trojannn.
  public static let trojannn = AttackName(TrojanNN.self)
}
