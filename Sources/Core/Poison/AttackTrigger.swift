/// What makes one attack differ from the next: its trigger, and whether it keeps labels in
/// training.
public struct AttackTrigger: Sendable {
  /// Everything that the triggers can be given; each takes what concerns it.
  public struct Settings: Equatable, Sendable {
    /// An image whose non-zero values are badnet's patch; nil is the white 3x3 square.
    public var patchMaskPath: String?
    /// The image that blended mixes in, nil is a generated pattern; trojannn's trigger.
    public var triggerImagePath: String?
    /// The trigger image's weight in triggered training images, 0...1.
    public var trainBlendedAlpha = 0.2
    /// The trigger image's weight in triggered test images, 0...1.
    public var testBlendedAlpha = 0.2
    /// The amplitude of sig's sinusoid, in grey levels.
    public var sigDelta = 40.0
    /// The periods of sig's sinusoid across an image's width.
    public var sigFrequency = 6.0
    /// trojannn's trigger image; nil is read from `triggerImagePath`.
    public var trojanImage: RGBImage?

    /// The originals' defaults.
    public init() {}
  }

  /// What is put into images.
  public let trigger: any Trigger
  /// Whether only images of the target class are poisoned in training, which keep their label.
  public let isCleanLabel: Bool

  /// The trigger of `attack` for images of `height` x `width`.
  ///
  /// Throws `ImageError` where a trigger image cannot be read, `TriggerError` where there is none.
  public init(_ attack: AttackName, settings: Settings, height: Int, width: Int) throws {
    isCleanLabel = attack == .sig
    switch attack {
    case .badnet:
      guard let path = settings.patchMaskPath else {
        trigger = BadNetTrigger(height: height, width: width)
        return
      }
      trigger = BadNetTrigger(patch: try ImageFile.read(path), height: height, width: width)
    case .blended:
      let pattern = try settings.triggerImagePath.map { try ImageFile.read($0) }
      trigger = BlendedTrigger(
        pattern: pattern ?? BlendedTrigger.defaultPattern(height: height, width: width),
        height: height, width: width, trainAlpha: settings.trainBlendedAlpha,
        testAlpha: settings.testBlendedAlpha)
    case .sig:
      trigger = SinusoidalTrigger(delta: settings.sigDelta, frequency: settings.sigFrequency)
    case .trojannn:
      let read = try settings.triggerImagePath.map { try ImageFile.read($0) }
      guard let image = settings.trojanImage ?? read else { throw TriggerError.noTrojanImage }
      trigger = TrojanTrigger(pattern: image, height: height, width: width)
    }
  }
}

extension AttackConfiguration {
  /// What its trigger is given.
  var triggerSettings: AttackTrigger.Settings {
    var settings = AttackTrigger.Settings()
    settings.patchMaskPath = patchMaskPath
    settings.triggerImagePath = triggerImagePath
    settings.trainBlendedAlpha = trainBlendedAlpha
    settings.testBlendedAlpha = testBlendedAlpha
    settings.sigDelta = sigDelta
    settings.sigFrequency = sigFrequency
    return settings
  }
}

extension EvaluateConfiguration {
  /// What its trigger is given.
  var triggerSettings: AttackTrigger.Settings {
    var settings = AttackTrigger.Settings()
    settings.patchMaskPath = patchMaskPath
    settings.triggerImagePath = triggerImagePath
    settings.testBlendedAlpha = testBlendedAlpha
    settings.sigDelta = sigDelta
    settings.sigFrequency = sigFrequency
    return settings
  }
}
