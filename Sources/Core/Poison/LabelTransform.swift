/// How an attack changes the label of a triggered image.
public enum LabelTransform: Equatable, Sendable {
  /// Every class becomes `target`.
  case allToOne(target: Int)
  /// Class y becomes (y + 1) mod `classCount`.
  case allToAll(classCount: Int)

  /// The label that an image of class `label` gets.
  public func callAsFunction(_ label: Int) -> Int {
    switch self {
    case .allToOne(let target): target
    case .allToAll(let classCount): (label + 1) % classCount
    }
  }

  /// The one class that every label becomes, where there is one.
  public var target: Int? {
    switch self {
    case .allToOne(let target): target
    case .allToAll: nil
    }
  }

  /// Whether test images of class `label` measure the attack: those whose label it changes.
  public func isTested(_ label: Int) -> Bool { self(label) != label }
}
