import ArgumentParser
import Core

private let attackDefaults = AttackConfiguration(attack: .badnet)

/// The triggers' own settings.
struct TriggerOptions: ParsableArguments {
  @Option(
    name: .key("patch_mask_path"),
    help: ArgumentHelp(
      "badnet: an image whose non-zero pixels are the patch "
        + "(default: a white 3x3 square in the lower right corner).", valueName: "image"))
  var patchMask: String?

  @Option(
    name: .key("attack_trigger_img_path"),
    help: ArgumentHelp(
      "blended: the image mixed in (default: a generated pattern).", valueName: "image"))
  var triggerImage: String?

  @Option(
    name: .key("attack_test_blended_alpha"),
    help: ArgumentHelp(
      "blended: its weight in test images, 0 to 1 (default: \(attackDefaults.testBlendedAlpha)).",
      valueName: "share"))
  var testAlpha: Double?

  @Option(
    name: .key("sig_delta"),
    help: ArgumentHelp(
      "sig: the sinusoid's amplitude (default: \(attackDefaults.sigDelta)).",
      valueName: "grey levels"))
  var sigDelta: Double?

  @Option(
    name: .key("sig_f"),
    help: ArgumentHelp(
      "sig: its periods across the image (default: \(attackDefaults.sigFrequency)).",
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
        + "(default: \(attackDefaults.trainBlendedAlpha)).",
      valueName: "share"))
  var trainAlpha: Double?

  func add(to flags: inout GivenFlags) { flags.add("attack_train_blended_alpha", trainAlpha) }
}
