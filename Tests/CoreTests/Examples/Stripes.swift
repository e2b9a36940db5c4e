import Core

extension DatasetKind {
  /// stripes: two classes of generated images, striped across or down.
  package static let stripes = DatasetKind(
    name: "stripes", summary: "generated stripes in 2 classes, which need no files", side: 32,
    classCount: 2, classNames: ["across", "down"],
    normalization: Normalization(mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5]),
    augmentation: Augmentation(padding: 4, flips: true), counts: Counts(train: 200, test: 40),
    advice: nil,
    layouts: [
      DatasetLayout(isIn: { _ in true }) { _, request in
        DatasetPair(
          train: stripes(200, seed: request.seed), test: stripes(40, seed: request.seed + 1))
      }
    ])

  package static func stripes(_ count: Int, seed: UInt64) -> LabeledImages {
    var pixels: [UInt8] = []
    for index in 0..<count {
      var stream = RandomStream(seed: seed, purpose: .syntheticImages, index: index)
      let (period, bright) = (stream.nextInt(below: 4) + 2, UInt8(100 + stream.nextInt(below: 100)))
      for y in 0..<32 {
        for x in 0..<32 {
          let place = index.isMultiple(of: 2) ? y : x
          let value = (place / period).isMultiple(of: 2) ? bright : 20
          pixels += [value, value, value]
        }
      }
    }
    return LabeledImages(
      pixels: pixels, labels: (0..<count).map { $0 % 2 }, height: 32, width: 32,
      classNames: ["across", "down"])
  }
}
