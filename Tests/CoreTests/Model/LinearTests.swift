import Core
import Distributed
import TestSupport
import Testing

/// The linear layer [12] → [10] with the inputs of its golden case; batch 5.
private struct LinearCase {
  let golden: Golden
  let layer: Linear
  let store: ParameterStore
  let x: Tensor
  let yGradient: Tensor
  let context = ComputeContext(threads: 3)

  init() throws {
    golden = try Golden.load("unit_layers").branch("linear")
    var plan = ParameterLayoutPlan()
    layer = Linear("linear", inputs: 12, outputs: 10, plan: &plan)
    store = ParameterStore(plan)
    store.set(layer.weight, to: Formula.tensor("linear/weight", count: 120))
    store.set(layer.bias, to: Formula.tensor("linear/bias", count: 10))
    x = Tensor(
      Shape(batch: 5, height: 1, width: 1, channels: 12),
      in: FloatBuffer(Formula.tensor("linear/input", count: 60)))
    yGradient = Tensor(
      Shape(batch: 5, height: 1, width: 1, channels: 10),
      in: FloatBuffer(Formula.tensor("linear/output_gradient", count: 50)))
  }

  func forward() -> [Float] {
    let y = Tensor(yGradient.shape)
    layer.forward(x, into: y, store: store, context: context)
    return y.array
  }

  func backward() -> [Float] {
    let xGradient = Tensor(x.shape)
    layer.backward(
      yGradient, x: x, xGradient: xGradient, store: store, context: context)
    return xGradient.array
  }
}

@Suite("Linear")
struct LinearTests {
  @Test func forwardEqualsGolden() throws {
    let test = try LinearCase()
    expectClose(test.forward(), try test.golden.tensor("output"), relative: 1e-6)
  }

  @Test func gradientsEqualGoldens() throws {
    let test = try LinearCase()
    expectClose(test.backward(), try test.golden.tensor("gradients/input"), relative: 1e-6, "input")
    for key in ["weight", "bias"] {
      let gradient = test.store.parameterGradients()["linear.\(key)"] ?? []
      expectClose(gradient, try test.golden.tensor("gradients/\(key)"), relative: 1e-6, key)
    }
  }

  /// Linear in input and parameters: any step is right.
  @Test func gradientsEqualFiniteDifferences() throws {
    let test = try LinearCase()
    let xGradient = test.backward()
    let gradient = test.store.gradients.array
    let byInput = FiniteDifference.gradient(at: test.x.array, step: 0.5) { values in
      test.x.buffer.fill(from: values)
      return dot(test.forward(), test.yGradient.array)
    }
    test.x.buffer.fill(from: Formula.tensor("linear/input", count: 60))
    let byParameter = FiniteDifference.gradient(at: test.store.values.array, step: 0.5) { values in
      test.store.values.fill(from: values)
      return dot(test.forward(), test.yGradient.array)
    }
    #expect(relativeL2Error(xGradient.map { Double($0) }, byInput) < 1e-5)
    #expect(relativeL2Error(gradient.map { Double($0) }, byParameter) < 1e-5)
  }

  /// A layer wide enough for products in float: an image alone, and as the last of 29.
  @Test func imagesDoNotDependOnThoseBesideThem() throws {
    var plan = ParameterLayoutPlan()
    let layer = Linear("wide", inputs: 1100, outputs: 1010, plan: &plan)
    let store = ParameterStore(plan)
    store.set(layer.weight, to: Formula.tensor("wide/weight", count: 1100 * 1010))
    store.set(layer.bias, to: Formula.tensor("wide/bias", count: 1010))
    let x = Formula.tensor("wide/input", count: 29 * 1100)
    let slopes = Formula.tensor("wide/output_gradient", count: 29 * 1010)
    func run(from first: Int) -> (y: [Float], gradient: [Float]) {
      let shape = Shape(batch: 29 - first, height: 1, width: 1, channels: 1100)
      let input = Tensor(shape, in: FloatBuffer(Array(x[(first * 1100)...])))
      let y = Tensor(Shape(batch: shape.batch, height: 1, width: 1, channels: 1010))
      let (gradient, context) = (Tensor(shape), ComputeContext(threads: 2))
      layer.forward(input, into: y, store: store, context: context)
      layer.backward(
        Tensor(y.shape, in: FloatBuffer(Array(slopes[(first * 1010)...]))), x: input,
        xGradient: gradient, store: store, context: context)
      return (y.array.suffix(1010), gradient.array.suffix(1100))
    }
    let (all, alone) = (run(from: 0), run(from: 28))
    #expect(all.y == alone.y)
    #expect(all.gradient == alone.gradient)
    let weights = store.parameterValues()["wide.weight"] ?? []
    let exact = (0..<1010).map { o in
      (0..<1100).reduce(Double(store.value(layer.bias)[o])) {
        $0 + Double(weights[o * 1100 + $1]) * Double(x[28 * 1100 + $1])
      }
    }
    #expect(relativeL2Error(alone.y.map { Double($0) }, exact) < 1e-6)
  }

  /// Shards of 4 images: 24 of them on one rank, or the first 12 and the last 12 on two.
  @Test func gradientsOfShardsDoNotDependOnTheWorld() throws {
    var plan = ParameterLayoutPlan()
    let layer = Linear("linear", inputs: 200, outputs: 10, plan: &plan)
    let store = ParameterStore(plan)
    let x = Formula.tensor("world/input", count: 96 * 200)
    let slopes = Formula.tensor("world/output_gradient", count: 96 * 10).map { $0 * $0 * $0 }
    func sums(_ images: Range<Int>, isSharded: Bool) -> [Double] {
      var hooks = PassHooks()
      if isSharded {
        hooks.imageShards = stride(from: 0, to: images.count, by: 4).map { $0..<$0 + 4 }
      }
      func part(_ values: [Float], _ width: Int) -> Tensor {
        Tensor(
          Shape(batch: images.count, height: 1, width: 1, channels: width),
          in: FloatBuffer(Array(values[images.lowerBound * width..<images.upperBound * width])))
      }
      store.clearGradients(wide: true)
      layer.backward(
        part(slopes, 10), x: part(x, 200), xGradient: nil,
        pass: GradientPass(store: store, context: ComputeContext(threads: 2), told: hooks))
      return store.wideGradients ?? []
    }
    func differences(isSharded: Bool) -> Int {
      let halves = zip(
        sums(0..<48, isSharded: isSharded), sums(48..<96, isSharded: isSharded)
      ).map { $0 + $1 }
      return zip(sums(0..<96, isSharded: isSharded), halves).count { $0 != $1 }
    }
    #expect(differences(isSharded: true) == 0)
    #expect(differences(isSharded: false) > 0, "plain sums show the order")
  }

  @Test func parameterGradientsAddUp() throws {
    let test = try LinearCase()
    _ = test.backward()
    let once = test.store.gradients.array
    _ = test.backward()
    expectClose(test.store.gradients.array, once.map { 2 * $0 }, relative: 1e-6)
  }
}

@Suite("GlobalAveragePool")
struct GlobalAveragePoolTests {
  @Test(arguments: [(4, 4), (3, 5)], [1, 2])
  func forwardEqualsGolden(_ size: (Int, Int), threads: Int) throws {
    let name = "average_pool_\(size.0)x\(size.1)"
    let shape = Shape(batch: 3, height: size.0, width: size.1, channels: 6)
    let x = Tensor(nchw: Formula.tensor("\(name)/input", count: shape.count), shape)
    let y = Tensor(Shape(batch: 3, height: 1, width: 1, channels: 6))
    GlobalAveragePool.forward(x, into: y, context: ComputeContext(threads: threads))
    let golden = try Golden.load("unit_layers").tensor("\(name)/output")
    expectClose(y.array, golden, relative: 1e-6)
  }

  @Test(arguments: [(4, 4), (3, 5)], [1, 2])
  func gradientEqualsGolden(_ size: (Int, Int), threads: Int) throws {
    let name = "average_pool_\(size.0)x\(size.1)"
    let yGradient = Tensor(
      Shape(batch: 3, height: 1, width: 1, channels: 6),
      in: FloatBuffer(Formula.tensor("\(name)/output_gradient", count: 18)))
    let xGradient = Tensor(Shape(batch: 3, height: size.0, width: size.1, channels: 6))
    GlobalAveragePool.backward(
      yGradient, xGradient: xGradient, context: ComputeContext(threads: threads))
    let golden = try Golden.load("unit_layers").tensor("\(name)/gradients/input")
    expectClose(xGradient.nchw, golden, relative: 1e-6)
  }
}
