/// The networks, in the order in which lists name them: the one place that a new one is added to.
public enum Networks {
  /// Those that commands take by name.
  public static let all: [NetworkKind] = [.resnet18, .preactresnet18]

  /// Those that only the library knows yet: commands have still to read archives of them.
  public static let library: [NetworkKind] = [
    .resnet34, .resnet50, .vgg19BN, .torchvisionResNet18, .torchvisionResNet34,
    .torchvisionResNet50,
  ]
}

extension NetworkKind: RawRepresentable, CaseIterable {
  /// Those that commands take by name.
  public static var allCases: [NetworkKind] { Networks.all }

  /// The network of that name; nil where commands know none.
  public init?(rawValue: String) {
    guard let kind = Networks.all.first(where: { $0.name == rawValue }) else { return nil }
    self = kind
  }

  /// Its name.
  public var rawValue: String { name }
}
