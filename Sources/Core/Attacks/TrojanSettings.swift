/// What trojannn's trigger is made from (Liu et al., Trojaning Attack on Neural Networks, 2018).
///
/// Keys are BackdoorBench's where it has them; the defaults are its too.
public struct TrojanSettings: Equatable, Sendable {
  /// An image whose non-zero values are the mask, and the trigger's start; nil is a drawn apple.
  public var maskPath: String?
  /// The layer whose inputs the trigger excites, and its weight: the head, which `linear` stands for
  /// in any network.
  public var layer = "linear", layerWeight = "linear.weight"
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

extension ConfigField {
  /// The name of a network's head with `suffix`.
  static func head(_ key: String, _ path: Path<String>, suffix: String) -> Self {
    var names: [String] = []
    for kind in Networks.all where !names.contains(kind.headName + suffix) {
      names.append(kind.headName + suffix)
    }
    return Self(
      key: key, expected: "the head's, one of \(names.joined(separator: ", "))",
      assign: { [names] value, target in
        guard case .text(let name) = value, names.contains(name) else { return false }
        target[keyPath: path] = name
        return true
      }, value: { .text($0[keyPath: path]) })
  }
}
