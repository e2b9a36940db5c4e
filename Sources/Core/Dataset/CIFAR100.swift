extension DatasetKind {
  /// CIFAR-100 with its fine labels, from its binary files, its Python pickles or a folder of images.
  static let cifar100 = DatasetKind(
    name: "cifar100",
    summary: "CIFAR-100 with its 100 fine labels, in the same forms",
    side: CIFARRecords.side, classCount: 100, classNames: CIFAR100.classNames,
    normalization: Normalization(
      mean: [0.5071, 0.4865, 0.4409], standardDeviation: [0.2673, 0.2564, 0.2762]),
    augmentation: Augmentation(padding: 4, flips: false),
    tuning: TuningDefaults(learningRate: 0.001, epochs: 15, alpha: 0.001, splitRatio: 0.05),
    counts: Counts(train: 50_000, test: 10_000),
    folders: [
      "cifar100", "cifar-100-binary", "cifar-100-python", "cifar100/cifar-100-binary",
      "cifar100/cifar-100-python",
    ],
    advice: "get CIFAR-100's binary version from https://www.cs.toronto.edu/~kriz/cifar.html",
    layouts: [
      DatasetLayout(isIn: { DatasetLayout.holds(["train.bin", "test.bin"], $0) }) { folder, _ in
        let records = CIFARRecords(classNames: CIFAR100.classNames, labelBytes: 2)
        return DatasetPair(
          train: try records.read([PathText.join(folder, "train.bin")]),
          test: try records.read([PathText.join(folder, "test.bin")]))
      },
      DatasetLayout(isIn: { CIFAR100.holdsPickles($0) }) { folder, _ in
        let pickles = CIFARPickles(classNames: CIFAR100.classNames, labelKey: "fine_labels")
        return DatasetPair(
          train: try pickles.read([PathText.join(folder, "train")]),
          test: try pickles.read([PathText.join(folder, "test")]))
      },
      .images(of: CIFAR100.classNames, side: CIFARRecords.side),
    ])
}

private enum CIFAR100 {
  /// Whether `folder` holds the files `train` or `test`, which other datasets have as folders.
  static func holdsPickles(_ folder: String) -> Bool {
    ["train", "test"].contains { name in
      if case .file = FolderListing.kind(of: BytePath(PathText.join(folder, name))) {
        true
      } else {
        false
      }
    }
  }

  /// Names of the fine classes, by label.
  static let classNames = [
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup",
    "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house",
    "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man",
    "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange", "orchid",
    "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy",
    "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal",
    "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar",
    "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman",
    "worm",
  ]
}
