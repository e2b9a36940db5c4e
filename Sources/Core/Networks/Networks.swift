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
