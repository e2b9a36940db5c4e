/// The keys that a single attack reads.
struct AttackTable<Target: Sendable>: Sendable {
  /// The attack.
  let attack: AttackName
  /// Its keys.
  let fields: [ConfigField<Target>]

  init(_ attack: AttackName, _ fields: [ConfigField<Target>]) {
    (self.attack, self.fields) = (attack, fields)
  }

  /// The keys of all `tables`; one that several attacks read stands where the first has it.
  static func joined(_ tables: [AttackTable]) -> [ConfigField<Target>] {
    var result: [ConfigField<Target>] = []
    for table in tables {
      for field in table.fields {
        if let earlier = result.firstIndex(where: { $0.key == field.key }) {
          result[earlier].attacks.append(table.attack)
        } else {
          result.append(field.of(table.attack))
        }
      }
    }
    return result
  }
}

extension AttackConfiguration {
  /// The tables of all attacks, in the order of the help.
  static let attackTables: [AttackTable<Self>] = [
    AttackTable(.badnet, badnetFields), AttackTable(.blended, [triggerImage] + blendedFields),
    AttackTable(.sig, sigFields), AttackTable(.trojannn, [triggerImage] + trojanFields),
  ]

  private static let badnetFields: [ConfigField<Self>] = [
    .text("patch_mask_path", \.patchMaskPath, "an image file").role(.image).help(
      """
      An image whose non-zero pixels are the patch (default: a white square in the lower right \
      corner, 3x3 on images of 32x32; it grows with the image)
      """, "image", in: .attack)
  ]

  private static let triggerImage: ConfigField<Self> =
    .text("attack_trigger_img_path", \.triggerImagePath, "an image file").role(.image).help(
      """
      The image mixed in (default: a generated pattern); of trojannn, the trigger of an earlier \
      run, its trojannn_trigger.png (default: one is made; evaluate: the run's own)
      """, "image", in: .attack)

  private static let blendedFields: [ConfigField<Self>] = [
    .number("attack_train_blended_alpha", \.trainBlendedAlpha, .share).help(
      "The image's weight in poisoned training images, 0 to 1", "share", in: .attack),
    .number("attack_test_blended_alpha", \.testBlendedAlpha, .share).help(
      "Its weight in test images, 0 to 1", "share", in: .attack),
  ]

  private static let sigFields: [ConfigField<Self>] = [
    .number("sig_delta", \.sigDelta, .finite).help(
      "The sinusoid's amplitude", "grey levels", in: .attack),
    .number("sig_f", \.sigFrequency, .finite).help(
      "Its periods across the image", "n", in: .attack),
  ]
}
