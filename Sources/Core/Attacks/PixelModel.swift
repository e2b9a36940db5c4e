import Distributed

/// A trained model as it is asked about images on the scale 0...1, and differentiated by them.
///
/// Its running statistics stay as they are.
package final class PixelModel {
  /// The model.
  package let model: Network
  /// How the model's inputs are made of the images.
  package let normalization: Normalization
  let context: ComputeContext
  private var input: Tensor
  private var gradient: Tensor

  /// `model`, whose inputs `normalization` makes of images.
  package init(_ model: Network, normalization: Normalization, context: ComputeContext) {
    (self.model, self.normalization, self.context) = (model, normalization, context)
    input = Tensor(model.inputShape.withBatch(0))
    gradient = input
  }

  /// The logits of `images` [N, H, W, C]; the next call overwrites them.
  package func logits(_ images: Tensor) -> Tensor {
    input = Tensor(images.shape, reusing: input)
    let (mean, deviation) = (normalization.mean, normalization.standardDeviation)
    let channels = images.shape.channels
    for place in 0..<images.shape.count {
      let channel = place % channels
      input.pointer[place] = (images.pointer[place] - mean[channel]) / deviation[channel]
    }
    return model.forward(input, mode: .differentiatingImages, context: context)
  }

  /// The gradient by the images of the last `logits`, given that by the logits; the next call
  /// overwrites it.
  package func gradient(_ logitsGradient: Tensor) -> Tensor {
    gradient = Tensor(input.shape, reusing: gradient)
    model.backward(logitsGradient, reach: .images(gradient), context: context)
    let deviation = normalization.standardDeviation
    for place in 0..<gradient.shape.count {
      gradient.pointer[place] /= deviation[place % deviation.count]
    }
    return gradient
  }

  /// The class of each of `images`.
  package func classes(_ images: Tensor) -> [Int] {
    let logits = logits(images)
    return (0..<images.shape.batch).map { logits.largest(of: $0) }
  }
}

extension Tensor {
  /// The position of the largest value of row `row` [N, 1, 1, C]; the first of equal ones.
  package func largest(of row: Int) -> Int {
    let values = pointer + row * shape.channels
    return (1..<shape.channels).reduce(0) { values[$1] > values[$0] ? $1 : $0 }
  }

  /// Images as floats 0...1: those at `positions` of `images`.
  package init(_ images: LabeledImages, at positions: some Collection<Int>) {
    self.init(
      Shape(
        batch: positions.count, height: images.height, width: images.width,
        channels: images.channels))
    for (slot, position) in positions.enumerated() {
      let target = pointer(image: slot)
      for (place, byte) in images.pixels[images.range(of: position)].enumerated() {
        target[place] = Float(byte) / 255
      }
    }
  }
}
