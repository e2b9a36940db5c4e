/// What trojannn's trigger is made from (Liu et al., Trojaning Attack on Neural Networks, 2018).
///
/// Keys are BackdoorBench's where it has them; the defaults are its too.
public struct TrojanSettings: Equatable, Sendable {
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
