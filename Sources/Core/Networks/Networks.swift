/// The networks, in the order in which lists name them: the one place that a new one is added to.
public enum Networks {
  /// All of them.
  public static let all: [NetworkKind] = [
    .resnet18, .resnet34, .resnet50, .preactresnet18, .vgg19BN, .torchvisionResNet18,
    .torchvisionResNet34, .torchvisionResNet50, .densenet161, .mobilenetV3Large,
  ]
}

extension NetworkKind: RawRepresentable, CaseIterable {
  /// All of them.
  public static var allCases: [NetworkKind] { Networks.all }

  /// The network of that name; nil where there is none.
  public init?(rawValue: String) {
    guard let kind = Networks.all.first(where: { $0.name == rawValue }) else { return nil }
    self = kind
  }

  /// Its name.
  public var rawValue: String { name }
}

extension NetworkKind {
  /// Whether `name` is what commands or archives call it.
  func isCalled(_ name: String) -> Bool { name == self.name || name == archiveName }
}

extension NetworkKind {
  /// How large it is, in a line.
  package var summary: String {
    let count = parameterCount(of: NetworkSize(width: 64), classCount: 10)
    let millions = (Double(count) / 1e5).rounded() / 10
    let images = leastSide > 8 ? "; images of at least \(leastSide)x\(leastSide) pixels" : ""
    return "\(millions) million parameters at width 64 and 10 classes\(images)"
  }
}
