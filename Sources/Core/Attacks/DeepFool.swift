/// The smallest step that takes an image to a class, found by following the model's slope
/// (Moosavi-Dezfooli, Fawzi and Frossard, DeepFool, CVPR 2016, towards one class).
package struct DeepFool {
  /// The model.
  package let model: PixelModel
  /// The class to reach.
  package let target: Int
  /// Steps at most.
  package var iterations = 200
  /// How much further than found.
  package var overshoot: Float = 0.02

  /// A search for steps to `target`.
  package init(_ model: PixelModel, target: Int) { (self.model, self.target) = (model, target) }

  /// What takes one image to the class.
  package struct Outcome {
    /// What is added to the image: [1, H, W, C].
    package var step: [Float]
    /// The steps taken; as many as there may be where the class was not reached for certain.
    package var iterations: Int
    /// The class that the image is taken for then.
    package var reached: Int
  }

  /// The step from `image` [1, H, W, C].
  ///
  /// Each iteration goes |z_target - z_first| / ‖w‖ along w, the gradient of z_target - z_first,
  /// where first is the class that the image itself is taken for.
  package func run(_ image: Tensor) -> Outcome {
    let count = image.shape.count
    let point = Tensor(image.shape)
    point.pointer.update(from: image.pointer, count: count)
    var sum = [Float](repeating: 0, count: count)
    var logits = model.logits(point)
    let first = logits.largest(of: 0)
    var (reached, done) = (first, 0)
    while reached != target && done < iterations {
      let difference = abs(logits.pointer[target] - logits.pointer[first])
      let direction = Tensor(logits.shape)
      (direction.pointer[target], direction.pointer[first]) = (1, -1)
      let slope = model.gradient(direction)
      let length = Float(
        (0..<count).reduce(0.0) {
          $0 + Double(slope.pointer[$1]) * Double(slope.pointer[$1])
        }.squareRoot())
      for place in 0..<count {
        let part = difference / length * (slope.pointer[place] / length)
        if part.isFinite { sum[place] += part }
        point.pointer[place] = image.pointer[place] + (1 + overshoot) * sum[place]
      }
      logits = model.logits(point)
      reached = logits.largest(of: 0)
      done += 1
    }
    return Outcome(step: sum.map { (1 + overshoot) * $0 }, iterations: done, reached: reached)
  }
}
