import ArgumentParser
import Core

private let attackDefaults = AttackConfiguration(attack: .badnet)

/// The triggers' own settings.
struct TriggerOptions: ParsableArguments {
  @Option(
    name: .key("patch_mask_path"),
    help: ArgumentHelp(
      "badnet: an image whose non-zero pixels are the patch "
        + "(default: a white square in the lower right corner, 3x3 on images of 32x32; it grows "
        + "with the image).", valueName: "image"))
  var patchMask: String?

  @Option(
    name: .key("attack_trigger_img_path"),
    help: ArgumentHelp(
      """
      blended: the image mixed in (default: a generated pattern). trojannn: the trigger of an \
      earlier run, its trojannn_trigger.png (default: one is made; evaluate: the run's own).
      """, valueName: "image"))
  var triggerImage: String?

  @Option(
    name: .key("attack_test_blended_alpha"),
    help: ArgumentHelp(
      "blended: its weight in test images, 0 to 1 (default: \(Blended().testAlpha)).",
      valueName: "share"))
  var testAlpha: Double?

  @Option(
    name: .key("sig_delta"),
    help: ArgumentHelp(
      "sig: the sinusoid's amplitude (default: \(Sinusoidal().delta)).",
      valueName: "grey levels"))
  var sigDelta: Double?

  @Option(
    name: .key("sig_f"),
    help: ArgumentHelp(
      "sig: its periods across the image (default: \(Sinusoidal().frequency)).",
      valueName: "n"))
  var sigFrequency: Double?

  func add(to flags: inout GivenFlags) {
    flags.add("patch_mask_path", patchMask)
    flags.add("attack_trigger_img_path", triggerImage)
    flags.add("attack_test_blended_alpha", testAlpha)
    flags.add("sig_delta", sigDelta)
    flags.add("sig_f", sigFrequency)
  }
}

/// What only a run that trains needs to know of a trigger.
struct TrainingTriggerOptions: ParsableArguments {
  @Option(
    name: .key("attack_train_blended_alpha"),
    help: ArgumentHelp(
      "blended: the image's weight in poisoned training images, 0 to 1 "
        + "(default: \(Blended().trainAlpha)).",
      valueName: "share"))
  var trainAlpha: Double?

  func add(to flags: inout GivenFlags) { flags.add("attack_train_blended_alpha", trainAlpha) }
}

/// How trojannn's trigger is made.
struct TrojanOptions: ParsableArguments {
  @Option(
    name: [.customLong("clean_model"), .customLong("pretrain_model_path")],
    help: ArgumentHelp(
      """
      A clean model of the same width and classes: the attack_result.pt of a run with --pratio 0 \
      (default: one is trained first, with the same settings).
      """, valueName: "archive"))
  var cleanModel: String?

  @Option(
    name: .key("mask_path"),
    help: ArgumentHelp(
      "An image whose non-zero values are the mask and where the trigger starts "
        + "(default: an apple is drawn).", valueName: "image"))
  var mask: String?

  @Option(
    name: [.customLong("num_neuron"), .customLong("neuron_count")],
    help: ArgumentHelp(
      "Inputs of the head to excite (default: \(TrojanNN().making.neuronCount)).",
      valueName: "n"))
  var neuronCount: Int?

  @Option(
    name: .key("neuron_target_values"),
    help: ArgumentHelp(
      "The activation to drive them towards (default: \(TrojanNN().making.neuronTarget)).",
      valueName: "activation"))
  var neuronTarget: Double?

  @Option(
    name: .key("mask_update_iters"),
    help: ArgumentHelp(
      "Steps of the search, at most (default: \(TrojanNN().making.iterations)).",
      valueName: "n"))
  var iterations: Int?

  @Option(
    name: .key("trojan_eps"),
    help: ArgumentHelp(
      "How far the trigger may move from the mask, as a share of 255 "
        + "(default: \(TrojanNN().making.epsilon)).", valueName: "share"))
  var epsilon: Double?

  @Option(
    name: .key("trojan_alpha"),
    help: ArgumentHelp(
      "The first step, likewise (default: \(TrojanNN().making.step)).", valueName: "share"))
  var step: Double?

  func add(to flags: inout GivenFlags) {
    flags.add("pretrain_model_path", cleanModel)
    flags.add("mask_path", mask)
    flags.add("num_neuron", neuronCount)
    flags.add("neuron_target_values", neuronTarget)
    flags.add("mask_update_iters", iterations)
    flags.add("trojan_eps", epsilon)
    flags.add("trojan_alpha", step)
  }
}
