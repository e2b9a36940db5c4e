/// The datasets that the program knows: the one list of them.
public enum Datasets {
  /// All of them, in the order of `--help`.
  public static let all: [DatasetKind] = [
    .cifar10, .cifar100, .gtsrb, .tiny, .mnist, .imageFolder, .synthetic,
  ]

  /// The one that is meant where nothing names another.
  public static let usual = DatasetKind.cifar10

  /// The dataset called `name`; nil where none is.
  public static func named(_ name: String) -> DatasetKind? { all.first { $0.name == name } }

  /// The dataset called `name`, which whoever decoded the settings or read the images has found.
  static func known(_ name: String) -> DatasetKind {
    guard let kind = named(name) else { preconditionFailure("no dataset is called \(name)") }
    return kind
  }

  /// Their names, as messages list them.
  public static let names = all.map(\.name).joined(separator: ", ")

  /// Statistics by the name of a dataset, or of a set that models are often trained with.
  static func normalization(named name: String) -> Normalization? {
    name == "imagenet" ? .imageNet : named(name)?.normalization
  }
}
