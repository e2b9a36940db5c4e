/// Searches one smooth pattern that, added to any image, changes what a clean model takes it for.
///
/// The pattern v starts at 0. Each image that v does not yet fool is taken to the target class by
/// DeepFool; that step, smoothed, is added to v, which is smoothed again and mapped to 0...0.2.
package struct UniversalPattern {
  /// The model.
  package let model: PixelModel
  /// The search for steps.
  package var search: DeepFool
  /// v: [H, W, C].
  package private(set) var pattern: [Float]

  /// A search against `model` towards `target`, which begins at 0.
  package init(_ model: PixelModel, target: Int) {
    self.model = model
    search = DeepFool(model, target: target)
    pattern = [Float](repeating: 0, count: model.model.inputShape.withBatch(1).count)
  }

  /// Adds what `image` [1, H, W, C] asks for to the pattern; nil where that fools the model already.
  package mutating func update(_ image: Tensor) -> DeepFool.Outcome? {
    let shifted = shifted(image)
    guard model.classes(image) == model.classes(shifted) else { return nil }
    let found = search.run(shifted)
    guard found.iterations < search.iterations - 1 else { return found }
    let (height, width) = (image.shape.height, image.shape.width)
    let step = SmoothPattern.smooth(found.step, height: height, width: width)
    let sum = zip(step, pattern).map { $0 + $1 }
    // A first step of nothing, for an image of the target class, leaves nothing to map.
    if let next = SmoothPattern.normalize(
      SmoothPattern.smooth(sum, height: height, width: width))
    {
      pattern = next
    }
    return found
  }

  /// The share of `images` [N, H, W, C] that are taken for another class with the pattern.
  package func foolingRate(_ images: Tensor) -> Double {
    let (clean, shown) = (model.classes(images), model.classes(shifted(images)))
    return Double(zip(clean, shown).count { $0 != $1 }) / Double(max(clean.count, 1))
  }

  /// The pattern as it is added to bytes: 255 v without its fraction.
  package var bytes: [UInt8] { pattern.map { UInt8($0 * 255) } }

  private func shifted(_ images: Tensor) -> Tensor {
    let result = Tensor(images.shape)
    for place in 0..<images.shape.count {
      result.pointer[place] = images.pointer[place] + pattern[place % pattern.count]
    }
    return result
  }
}
