import Distributed

/// trojannn: a pattern that excites a few inputs of a clean model's head (Liu et al., Trojaning
/// Attack on Neural Networks, NDSS 2018).
package struct TrojanNN: CleanModelAttack {
  package static let name = "trojannn"
  package static let summary = "a pattern that excites neurons of a clean model, added to the image"

  /// The trigger of an earlier run; nil makes one.
  package var imagePath: String?
  package var cleanModelPath: String?
  /// What the trigger is made from.
  package var making = TrojanSettings()

  package init() {}

  package static let triggerFields: [ConfigField<Self>] = [
    .text("attack_trigger_img_path", \.imagePath, "an image file").role(.image).help(
      """
      The trigger of an earlier run, its trojannn_trigger.png (default: one is made; evaluate: the \
      run's own)
      """, "image", in: .attack)
  ]

  package static let trainingFields: [ConfigField<Self>] = [
    // No part of what a run is: a resumed run has its trigger already.
    .text("pretrain_model_path", \.cleanModelPath, "the archive of a clean model").role(.output)
      .named("clean_model").help(
        """
        A clean model of the same width and classes: the attack_result.pt of a run with --pratio 0 \
        (default: one is trained first, with the same settings)
        """, "archive", in: .attack),
    .text("mask_path", \.making.maskPath, "an image file").help(
      """
      An image whose non-zero values are the mask and where the trigger starts (default: an apple \
      is drawn)
      """, "image", in: .attack),
    .integer("num_neuron", \.making.neuronCount, 1...countLimit).named("neuron_count").help(
      "Inputs of the head to excite", "n", in: .attack),
    .number("neuron_target_values", \.making.neuronTarget, .finite).help(
      "The activation to drive them towards", "activation", in: .attack),
    .integer("mask_update_iters", \.making.iterations, 0...countLimit).help(
      "Steps of the search, at most", "n", in: .attack),
    .number("trojan_eps", \.making.epsilon, .share).help(
      "How far the trigger may move from the mask, as a share of 255", "share", in: .attack),
    .number("trojan_alpha", \.making.step, .positiveShare).help(
      "The first step, likewise", "share", in: .attack),
    .head("selected_layer_name", \.making.layer, suffix: "").help(
      "The layer whose inputs they are; the head is the one there is", "name", in: .attack),
    .head("selected_layer_param_name", \.making.layerWeight, suffix: ".weight").help(
      "Its weights, likewise", "name", in: .attack),
  ]

  /// The trigger is the one that was given, the one of the run that is gone on with, or is made from
  /// a clean model.
  package func prepare(_ stage: AttackStage) throws -> Preparation {
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
  package func trigger(for place: TriggerPlace) throws -> any Trigger {
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
  package static let trojannn = AttackName(TrojanNN.self)
}
