import Core
import Distributed
import TestSupport
import Testing

@Suite("ResNet18")
struct ResNet18Tests {
  @Test(arguments: ThinModel.kinds)
  func stateHasPyTorchsNamesOrderAndShapes(_ architecture: NetworkKind) throws {
    let golden = try Golden.load("state_dicts").layout(architecture.rawValue)
    let plan = ThinModel(architecture, width: 64, threads: 1).store.plan
    let mine = plan.state.map { slot -> String in
      switch slot {
      case .parameter(let slot): "\(slot.name) float32 \(slot.shape)"
      case .buffer(let slot): "\(slot.name) float32 [\(slot.count)]"
      case .counter(let name, _): "\(name) int64 []"
      }
    }
    #expect(mine == golden.map { "\($0.name) \($0.type) \($0.shape)" })
    let expected = architecture == .resnet18 ? (122, 11_173_962) : (102, 11_171_146)
    #expect((plan.state.count, plan.parameterCount) == expected)
  }

  @Test(arguments: ThinModel.kinds, [1, 2])
  func evaluatingLogitsEqualGolden(_ architecture: NetworkKind, threads: Int) throws {
    let thin = try ThinModel.golden(architecture, threads: threads)
    let before = thin.store.bufferValues()
    let logits = thin.model.forward(
      try ThinModel.goldenBatch(architecture, 0).images, mode: .evaluating, context: thin.context)
    let golden = try ThinModel.loadGolden(architecture).tensor("sgd/evaluating_logits")
    expectClose(logits.array, golden, relative: 1e-5)
    #expect(thin.store.bufferValues() == before)
  }

  @Test(arguments: ThinModel.kinds, [1, 2])
  func trainingForwardEqualsGolden(_ architecture: NetworkKind, threads: Int) throws {
    let golden = try ThinModel.loadGolden(architecture).branch("sgd")
    let thin = try ThinModel.golden(architecture, threads: threads)
    let (loss, logits) = thin.forwardBackward(try ThinModel.goldenBatch(architecture, 0))
    expectClose(logits, try golden.tensor("logits/0"), relative: 1e-5, "logits")
    expectClose(loss, try golden.numbers("losses")[0], relative: 1e-5, "loss")
    expectAllClose(
      thin.store.bufferValues(), try golden.tensors("buffers_after_1"), relative: 1e-5, "buffers")
  }

  @Test(arguments: ThinModel.kinds, [ConvolutionChoice.im2col, .automatic])
  func gradientsEqualGoldens(
    _ architecture: NetworkKind, convolution: ConvolutionChoice
  ) throws {
    let golden = try ThinModel.loadGolden(architecture).tensors("sgd/gradients")
    let thin = try ThinModel.golden(architecture, convolution: convolution)
    _ = thin.forwardBackward(try ThinModel.goldenBatch(architecture, 0))
    let gradients = thin.store.parameterGradients()
    #expect(Set(gradients.keys) == Set(golden.keys))
    expectAllClose(gradients, golden, relative: 1e-4, "gradients")
  }

  /// Three steps, the last with a smaller batch; momentum and weight decay on every parameter.
  @Test(arguments: ThinModel.kinds, [ConvolutionChoice.im2col, .automatic])
  func threeStepsOfSGDEqualGolden(
    _ architecture: NetworkKind, convolution: ConvolutionChoice
  ) throws {
    let golden = try ThinModel.loadGolden(architecture).branch("sgd")
    let thin = try ThinModel.golden(architecture, convolution: convolution)
    let optimizer = SGD(for: thin.store, momentum: 0.9, weightDecay: 5e-4)
    for step in 0..<3 {
      let (loss, logits) = thin.forwardBackward(try ThinModel.goldenBatch(architecture, step))
      expectClose(logits, try golden.tensor("logits/\(step)"), relative: 1e-5, "logits \(step)")
      expectClose(loss, try golden.numbers("losses")[step], relative: 1e-5, "loss \(step)")
      optimizer.step(thin.store, range: thin.whole, learningRate: 0.05, context: thin.context)
    }
    let after = try golden.tensors("after")
    #expect(Set(thin.state().keys) == Set(after.keys))
    expectAllClose(thin.state(), after, relative: 1e-5, "after 3 steps")
  }

  /// Along d = ±(the gradient of each parameter), signs by the formula, the slope is Σ
  /// ±‖gradient‖².
  ///
  /// The step moves the loss by some 1e-3: far above its rounding, and few ReLUs change sides.
  @Test(arguments: ThinModel.kinds, 0..<4)
  func slopesEqualFiniteDifferences(_ architecture: NetworkKind, pattern: Int) throws {
    let thin = try ThinModel.golden(architecture)
    let batch = try ThinModel.goldenBatch(architecture, 0)
    _ = thin.forwardBackward(batch)
    var direction = thin.store.gradients.array
    let slots = thin.store.plan.parameters
    var expected = 0.0
    for (slot, sign) in zip(slots, Formula.uniform("slope/\(pattern)", count: slots.count)) {
      let part = Array(direction[slot.range])
      if sign < 0 { for index in slot.range { direction[index].negate() } }
      expected += sign < 0 ? -dot(part, part) : dot(part, part)
    }
    let square = dot(direction, direction)
    let (step, start) = (Float(1e-3 / square), thin.store.values.array)
    let losses = [-step, step].map { step in
      thin.store.values.fill(from: zip(start, direction).map { $0 + step * $1 })
      return thin.forwardBackward(batch).loss
    }
    let slope = (losses[1] - losses[0]) / (2 * Double(step))
    #expect(abs(slope - expected) < 5e-3 * square, "\(slope) for \(expected) of \(square)")
  }

  @Test func headExtentComputesTheHeadsGradientsAlone() throws {
    let thin = try ThinModel.golden(.resnet18)
    let batch = try ThinModel.goldenBatch(.resnet18, 0)
    _ = thin.forwardBackward(batch)
    let all = Array(thin.store.gradients.array[thin.head])
    let other = try ThinModel.golden(.resnet18)
    _ = other.forwardBackward(batch, reach: .head)
    let gradients = other.store.gradients.array
    let headAlone = Array(gradients[thin.head]) == all  // a Bool, so that a failure prints one line
    #expect(headAlone)
    #expect(gradients[thin.backbone].allSatisfy { $0 == 0 })
  }

  /// Activations are reused: what a larger or smaller batch left behind must not show.
  @Test(arguments: ThinModel.kinds)
  func earlierBatchesLeaveNoTrace(_ architecture: NetworkKind) throws {
    let fresh = try ThinModel.golden(architecture)
    let expected = fresh.forwardBackward(try ThinModel.goldenBatch(architecture, 2))
    let expectedGradients = fresh.store.gradients.array
    let used = try ThinModel.golden(architecture)
    _ = used.forwardBackward(try ThinModel.goldenBatch(architecture, 2))
    _ = used.forwardBackward(try ThinModel.goldenBatch(architecture, 0))
    try used.store.load(
      Formula.initialState(model: architecture.rawValue, plan: used.store.plan))
    let result = used.forwardBackward(try ThinModel.goldenBatch(architecture, 2))
    #expect(result.loss == expected.loss && result.logits == expected.logits)
    let gradientsAreEqual = used.store.gradients.array == expectedGradients
    #expect(gradientsAreEqual)
  }
}
