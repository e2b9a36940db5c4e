import Distributed

/// Channels weighted by what their means say: y = x hardsigmoid(fc2(relu(fc1(mean(x))))).
///
/// fc1 and fc2 are 1x1 convolutions with biases in PyTorch (Hu and others, 2018; MobileNetV3).
/// Shapes: x, y [N, H, W, C].
final class SqueezeExcitation {
  private struct Layer {
    let weight, bias: ParameterSlot
    let inputs, outputs: Int

    init(_ name: String, inputs: Int, outputs: Int, plan: inout ParameterLayoutPlan) {
      weight = plan.parameter(
        "\(name).weight", shape: [outputs, inputs, 1, 1], role: .kernel, layout: .convolutionHWIO)
      bias = plan.parameter("\(name).bias", shape: [outputs], role: .bias(fanIn: inputs))
      (self.inputs, self.outputs) = (inputs, outputs)
    }

    /// One image's outputs.
    func forward(_ x: [Float], store: ParameterStore) -> [Float] {
      let (w, b) = (store.value(weight), store.value(bias))
      return (0..<outputs).map { o in
        Float(
          (0..<inputs).reduce(Double(b[o])) { $0 + Double(x[$1]) * Double(w[$1 * outputs + o]) })
      }
    }

    /// The gradient of one image's inputs.
    func backward(_ gradient: [Float], store: ParameterStore) -> [Float] {
      let w = store.value(weight)
      return (0..<inputs).map { i in
        Float((0..<outputs).reduce(0.0) { $0 + Double(gradient[$1]) * Double(w[i * outputs + $1]) })
      }
    }

    /// Adds the parameters' gradients of all images.
    func addGradients(_ gradients: [[Float]], x: [[Float]], pass: GradientPass) {
      guard pass.hasParameters else { return }
      var (weights, biases) = (
        [Double](repeating: 0, count: weight.count), [Double](repeating: 0, count: outputs)
      )
      for (gradient, x) in zip(gradients, x) {
        for o in 0..<outputs {
          biases[o] += Double(gradient[o])
          for i in 0..<inputs { weights[i * outputs + o] += Double(x[i] * gradient[o]) }
        }
      }
      pass.addGradient(biases[...], at: bias.offset)
      pass.addGradient(weights[...], at: weight.offset)
      pass.finish(bias, weight)
    }
  }

  private let first, second: Layer
  /// Of each image of the last forward: the means, what fc1 and fc2 yield, and the factors.
  private var means: [[Float]] = [], hidden: [[Float]] = [], logits: [[Float]] = []

  /// Registers `name.fc1`, to `planes`, and `name.fc2`.
  init(_ name: String, channels: Int, planes: Int, plan: inout ParameterLayoutPlan) {
    first = Layer("\(name).fc1", inputs: channels, outputs: planes, plan: &plan)
    second = Layer("\(name).fc2", inputs: planes, outputs: channels, plan: &plan)
  }

  func forward(_ x: Tensor, into y: Tensor, pass: ForwardPass) {
    let (channels, pixels) = (x.shape.channels, x.shape.withBatch(1).pixels)
    means = (0..<x.shape.batch).map { image in
      var sums = [Float](repeating: 0, count: channels)
      for pixel in image * pixels..<(image + 1) * pixels {
        for c in 0..<channels { sums[c] += x.pointer[pixel * channels + c] }
      }
      return sums.map { $0 / Float(pixels) }
    }
    hidden = means.map { first.forward($0, store: pass.store).map(Activation.relu.callAsFunction) }
    logits = hidden.map { second.forward($0, store: pass.store) }
    for image in 0..<x.shape.batch {
      let factors = logits[image].map(Activation.hardsigmoid)
      for pixel in image * pixels..<(image + 1) * pixels {
        for c in 0..<channels {
          y.pointer[pixel * channels + c] = x.pointer[pixel * channels + c] * factors[c]
        }
      }
    }
  }

  /// `gradient`, of y, becomes that of x.
  func backward(_ gradient: Tensor, x: Tensor, pass: GradientPass) {
    let (channels, pixels) = (x.shape.channels, x.shape.withBatch(1).pixels)
    let outer = (0..<x.shape.batch).map { image in
      var sums = [Float](repeating: 0, count: channels)
      for place in image * pixels * channels..<(image + 1) * pixels * channels {
        sums[place % channels] += gradient.pointer[place] * x.pointer[place]
      }
      // hardsigmoid's slope is 1/6 between its ends.
      return (0..<channels).map { abs(logits[image][$0]) < 3 ? sums[$0] / 6 : 0 }
    }
    second.addGradients(outer, x: hidden, pass: pass)
    let inner = zip(outer, hidden).map { outer, hidden in
      zip(second.backward(outer, store: pass.store), hidden).map { $1 > 0 ? $0 : 0 }
    }
    first.addGradients(inner, x: means, pass: pass)
    for image in 0..<x.shape.batch {
      let mean = first.backward(inner[image], store: pass.store).map { $0 / Float(pixels) }
      let factors = logits[image].map(Activation.hardsigmoid)
      for place in image * pixels * channels..<(image + 1) * pixels * channels {
        let c = place % channels
        gradient.pointer[place] = gradient.pointer[place] * factors[c] + mean[c]
      }
    }
  }
}
