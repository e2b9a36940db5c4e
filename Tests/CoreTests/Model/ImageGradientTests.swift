import Core
import Distributed
import TestSupport
import Testing

/// A thin model with the images of `image_gradients.json`, and the two functions of them that were
/// differentiated there.
private struct ImageGradientCase {
  let golden: Golden
  let thin: ThinModel
  let batch: ThinModel.LabeledBatch
  let neurons: [Int]
  let target: Double

  init(_ architecture: NetworkKind, convolution: ConvolutionChoice = .automatic) throws {
    let file = try Golden.load("image_gradients")
    golden = try file.branch(architecture.rawValue)
    thin = try ThinModel.golden(architecture, convolution: convolution)
    let key = try golden.text("batch")
    let size = Int(try file.number("batch_size"))
    let shape = Shape(batch: size, height: 32, width: 32, channels: 3)
    batch = ThinModel.LabeledBatch(
      images: Tensor(
        nchw: Formula.tensor("\(key)/images", count: shape.count, scale: 2), shape),
      labels: Formula.labels("\(key)/labels", count: size))
    neurons = try file.integers("neurons")
    target = try file.number("target")
  }

  /// The mean cross-entropy and its gradient by the images, with the parameters' or alone.
  func byLoss(_ mode: PassMode, alone: Bool = false) -> (loss: Double, gradient: Tensor) {
    let gradient = Tensor(batch.images.shape)
    let logits = thin.model.forward(batch.images, mode: mode, context: thin.context)
    let logitsGradient = Tensor(logits.shape)
    let result = CrossEntropy().evaluate(
      logits, labels: batch.labels, globalCount: batch.labels.count, gradient: logitsGradient)
    thin.model.backward(
      logitsGradient, reach: alone ? .images(gradient) : .all(gradient), context: thin.context)
    return (result.lossSum / Double(batch.labels.count), gradient)
  }

  /// The sum of (feature - target)² over the neurons and its gradient by the images.
  func byFeatures(_ mode: PassMode) -> (cost: Double, gradient: Tensor) {
    let gradient = Tensor(batch.images.shape)
    _ = thin.model.forward(batch.images, mode: mode, context: thin.context)
    let features = thin.model.features
    let featureGradient = Tensor(features.shape)
    var cost = 0.0
    for image in 0..<features.shape.batch {
      for neuron in neurons {
        let place = image * features.shape.channels + neuron
        let distance = Double(features.pointer[place]) - target
        cost += distance * distance
        featureGradient.pointer[place] = Float(2 * distance)
      }
    }
    thin.model.backward(
      featureGradient: featureGradient, reach: .all(gradient), context: thin.context)
    return (cost, gradient)
  }
}

@Suite struct ImageGradientTests {
  private static let modes: [PassMode] = [.training, .differentiating]

  @Test(arguments: ThinModel.kinds, modes)
  func ofTheLossEqualsGolden(_ architecture: NetworkKind, mode: PassMode) throws {
    for convolution in ConvolutionChoice.allCases {
      let test = try ImageGradientCase(architecture, convolution: convolution)
      let golden = try test.golden.branch("\(mode)")
      let (loss, gradient) = test.byLoss(mode)
      expectClose(loss, try golden.number("loss"), relative: 1e-5, "loss")
      expectClose(
        gradient.nchw, try golden.tensor("by_loss"), relative: 1e-4, "\(convolution)")
    }
  }

  @Test(arguments: ThinModel.kinds, modes)
  func ofFeaturesEqualsGolden(_ architecture: NetworkKind, mode: PassMode) throws {
    for convolution in ConvolutionChoice.allCases {
      let test = try ImageGradientCase(architecture, convolution: convolution)
      let golden = try test.golden.branch("\(mode)")
      let (cost, gradient) = test.byFeatures(mode)
      expectClose(cost, try golden.number("cost"), relative: 1e-5, "cost")
      expectClose(
        test.thin.model.features.array, try golden.tensor("features"), relative: 1e-5, "features")
      expectClose(
        gradient.nchw, try golden.tensor("by_cost"), relative: 1e-4, "\(convolution)")
    }
  }

  /// Along d = ±(the gradient of each image's channel), signs by the formula, the slope is
  /// Σ ±‖gradient‖².
  ///
  /// The step moves the loss by a share of itself that keeps errors in float64 below 0.15 %: with
  /// fixed statistics 1e-3, while through the statistics of two images more ReLUs change sides.
  @Test(arguments: ThinModel.kinds, modes)
  func slopesEqualFiniteDifferences(_ architecture: NetworkKind, mode: PassMode) throws {
    for pattern in 0..<4 {
      let test = try ImageGradientCase(architecture)
      let (loss, direction) = test.byLoss(mode)
      let signs = Formula.uniform("image slope/\(pattern)", count: 6)
      let gradient = direction.array
      for place in gradient.indices where signs[place / 3072 * 3 + place % 3] < 0 {
        direction.pointer[place].negate()
      }
      let (square, expected) = (dot(gradient, gradient), dot(gradient, direction.array))
      let share = mode == .training ? 1.5e-4 : 1e-3
      let (step, start) = (Float(share * loss / square), test.batch.images.array)
      let losses = [-step, step].map { step in
        test.batch.images.buffer.fill(from: zip(start, direction.array).map { $0 + step * $1 })
        return test.byLoss(mode).loss
      }
      let slope = (losses[1] - losses[0]) / (2 * Double(step))
      #expect(abs(slope - expected) < 5e-3 * square, "\(slope) for \(expected) of \(square)")
    }
  }

  @Test(arguments: ThinModel.kinds)
  func differentiatingAnswersAsEvaluatingDoes(_ architecture: NetworkKind) throws {
    let test = try ImageGradientCase(architecture)
    let (model, context) = (test.thin.model, test.thin.context)
    let before = test.thin.store.bufferValues()
    let expected = model.forward(test.batch.images, mode: .evaluating, context: context).array
    let logits = model.forward(test.batch.images, mode: .differentiating, context: context).array
    expectClose(logits, expected, relative: 1e-6)
    #expect(test.thin.store.bufferValues() == before)
  }

  /// Where nobody asks for the parameters' gradients less is kept, which must not show.
  @Test(arguments: ThinModel.kinds)
  func imagesAloneGetTheSameGradient(_ architecture: NetworkKind) throws {
    for convolution in ConvolutionChoice.allCases {
      let test = try ImageGradientCase(architecture, convolution: convolution)
      let (loss, expected) = test.byLoss(.differentiating)
      for _ in 0..<2 {
        let (own, gradient) = test.byLoss(.differentiatingImages, alone: true)
        expectClose(own, loss, relative: 1e-6, "loss")
        expectClose(gradient.array, expected.array, relative: 1e-5, "\(convolution)")
      }
      #expect(test.byLoss(.differentiating).gradient.array == expected.array)
    }
  }

  /// What a differentiated pass leaves behind must not show in the next training step, and asking
  /// for the images' gradient must not change the parameters'.
  @Test(arguments: ThinModel.kinds)
  func trainingKeepsItsBits(_ architecture: NetworkKind) throws {
    let plain = try ImageGradientCase(architecture)
    let expected = plain.thin.forwardBackward(plain.batch)
    let test = try ImageGradientCase(architecture)
    _ = test.byFeatures(.differentiating)
    test.thin.store.gradients.clear()
    let loss = test.byLoss(.training).loss
    #expect(loss == expected.loss)
    let areEqual =
      test.thin.store.gradients.array == plain.thin.store.gradients.array
      && test.thin.store.bufferValues() == plain.thin.store.bufferValues()
    #expect(areEqual)
  }
}
