/// Why an attack has no trigger to put into images.
public enum TriggerError: Error, Equatable, Sendable, CustomStringConvertible {
  /// trojannn's trigger image is neither given nor found.
  case noTrojanImage
  /// More neurons are to be excited than there are.
  case tooManyNeurons(asked: Int, available: Int)
  /// A mask that lets nothing through.
  case emptyMask(path: String)
  /// The model's activations, or their gradient, are no finite numbers.
  case notFinite

  /// One line: the key, what was expected and found.
  public var description: String {
    switch self {
    case .noTrojanImage:
      "trojannn: each run makes a trigger image of its own; name it by --attack_trigger_img_path "
        + "(\(TrojanTrigger.fileName) in the run's folder)"
    case .tooManyNeurons(let asked, let available):
      "num_neuron: expected at most \(available), the inputs of the model's head, found \(asked)"
    case .notFinite:
      "trojannn: expected finite activations of the clean model, found nan or infinity; "
        + "give another --clean_model or a lower --neuron_target_values"
    case .emptyMask(let path): "\(path): expected a mask with values above 0, found none"
    }
  }
}

/// A pattern added to the image (Liu et al., Trojaning Attack on Neural Networks, 2018).
///
/// The sum is clamped to 0...255. The original casts it to 8 bits before it clamps, so that bright
/// pixels wrap around to dark ones; that is not repeated here. How the pattern is made says
/// `TriggerOptimization`.
public struct TrojanTrigger: Trigger {
  /// The name under which a run keeps its pattern.
  public static let fileName = "trojannn_trigger.png"
  private let pattern: RGBImage

  /// Adds `pattern` (black = nothing), resized to `height` x `width` where it differs.
  public init(pattern image: RGBImage, height: Int, width: Int) {
    pattern = ImageResize.bilinear(image, width: width, height: height)
  }

  /// Adds the pattern to one image; training and test images are treated alike.
  public func apply(
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, image: TriggeredImage
  ) {
    precondition(
      height == pattern.height && width == pattern.width && pixels.count == pattern.pixels.count,
      "a pattern of \(pattern.height)x\(pattern.width) on an image of \(height)x\(width)")
    for (place, value) in pattern.pixels.enumerated() {
      pixels[place] = UInt8(clamping: Int(pixels[place]) + Int(value))
    }
  }
}
