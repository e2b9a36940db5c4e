/// What trojannn's trigger is made from (Liu et al., Trojaning Attack on Neural Networks, 2018).
///
/// Keys are BackdoorBench's where it has them; the defaults are its too.
public struct TrojanSettings: Equatable, Sendable {
  /// The archive of a trained clean model; nil trains one first.
  public var cleanModelPath: String?
  /// An image whose non-zero values are the mask, and the trigger's start; nil is a drawn apple.
  public var maskPath: String?
  /// The inputs of the head that the trigger is to excite.
  public var neuronCount = 2
  /// The activation that they are driven towards.
  public var neuronTarget = 100.0
  /// The steps of the trigger's optimisation, at most.
  public var iterations = 1000
  /// How far the trigger may move from its start, as a share of the grey levels, 0…1.
  public var epsilon = 0.3
  /// The first step's size, likewise.
  public var step = 0.1

  /// The original's defaults.
  public init() {}
}

extension AttackConfiguration {
  /// The keys of `trojan`.
  static let trojanFields: [ConfigField<Self>] = [
    // No part of what a run is: a resumed run has its trigger already.
    .text("pretrain_model_path", \.trojan.cleanModelPath, "the archive of a clean model")
      .role(.output).named("clean_model").help(
        """
        A clean model of the same width and classes: the attack_result.pt of a run with \
        --pratio 0 (default: one is trained first, with the same settings)
        """, "archive", in: .attack),
    .text("mask_path", \.trojan.maskPath, "an image file").help(
      """
      An image whose non-zero values are the mask and where the trigger starts (default: an \
      apple is drawn)
      """, "image", in: .attack),
    .integer("num_neuron", \.trojan.neuronCount, 1...countLimit).named("neuron_count").help(
      "Inputs of the head to excite", "n", in: .attack),
    .number("neuron_target_values", \.trojan.neuronTarget, .finite).help(
      "The activation to drive them towards", "activation", in: .attack),
    .integer("mask_update_iters", \.trojan.iterations, 0...countLimit).help(
      "Steps of the search, at most", "n", in: .attack),
    .number("trojan_eps", \.trojan.epsilon, .share).help(
      "How far the trigger may move from the mask, as a share of 255", "share", in: .attack),
    .number("trojan_alpha", \.trojan.step, .positiveShare).help(
      "The first step, likewise", "share", in: .attack),
    .fixed("selected_layer_name", .text("linear")).help(
      "The layer whose inputs they are; the head is the one there is", "name", in: .attack),
    .fixed("selected_layer_param_name", .text("linear.weight")).help(
      "Its weights, likewise", "name", in: .attack),
  ]
}
