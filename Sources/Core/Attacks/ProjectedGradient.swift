/// Images moved so that a model takes them for something else, within a distance that is not seen
/// (Madry, Makelov, Schmidt, Tsipras and Vladu, 2018).
package struct ProjectedGradient {
  /// The model.
  package let model: PixelModel
  /// How far a value may move, and by how much it moves in a step, on the scale 0...1.
  package var distance: Float, step: Float

  /// Moves against `model` by `step` at a time, within `distance`.
  package init(_ model: PixelModel, distance: Float, step: Float) {
    (self.model, self.distance, self.step) = (model, distance, step)
  }

  /// The cross-entropy's gradient by `images` [N, H, W, C] of `labels`; the next call overwrites it.
  package func gradient(_ images: Tensor, labels: [Int32]) -> Tensor {
    let logits = model.logits(images)
    let slope = Tensor(logits.shape)
    _ = CrossEntropy().evaluate(
      logits, labels: labels, globalCount: max(labels.count, 1), gradient: slope)
    return model.gradient(slope)
  }

  /// Moves `images` once to where the loss of `labels` is larger; no value leaves 0...1, or goes
  /// further from `originals` than may be.
  package func move(_ images: Tensor, from originals: Tensor, labels: [Int32]) {
    let slope = gradient(images, labels: labels)
    for place in 0..<images.shape.count {
      let sign: Float = slope.pointer[place] > 0 ? 1 : slope.pointer[place] < 0 ? -1 : 0
      let x = originals.pointer[place]
      let moved = images.pointer[place] + step * sign - x
      images.pointer[place] = min(max(x + min(max(moved, -distance), distance), 0), 1)
    }
  }

  /// `originals` after `steps` steps.
  package func run(_ originals: Tensor, labels: [Int32], steps: Int) -> Tensor {
    let images = Tensor(originals.shape)
    images.pointer.update(from: originals.pointer, count: originals.shape.count)
    for _ in 0..<steps { move(images, from: originals, labels: labels) }
    return images
  }
}
