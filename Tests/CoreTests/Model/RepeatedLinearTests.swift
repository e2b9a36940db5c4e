import Core
import Distributed
import TestSupport
import Testing

/// A layer of [6 inputs x 49 copies] → [10] beside an ordinary one of the same weights that is given
/// the copies; batch 5.
private struct RepeatedCase {
  static let (inputs, copies, outputs, batch) = (6, 49, 10, 5)
  let repeated, ordinary: any LinearLayer
  let (repeatedStore, ordinaryStore): (ParameterStore, ParameterStore)
  let context: ComputeContext

  init(threads: Int = 2) {
    let (inputs, copies, outputs) = (Self.inputs, Self.copies, Self.outputs)
    var plan = ParameterLayoutPlan()
    repeated = RepeatedLinear(
      "layer", inputs: inputs, copies: copies, outputs: outputs, plan: &plan)
    repeatedStore = ParameterStore(plan)
    plan = ParameterLayoutPlan()
    ordinary = Linear("layer", inputs: inputs * copies, outputs: outputs, plan: &plan)
    ordinaryStore = ParameterStore(plan)
    context = ComputeContext(threads: threads)
    for store in [repeatedStore, ordinaryStore] {
      store.values.fill(from: Formula.tensor("layer/values", count: store.values.count))
    }
  }

  static func tensor(_ name: String, channels: Int) -> Tensor {
    let shape = Shape(batch: batch, height: 1, width: 1, channels: channels)
    return Tensor(shape, in: FloatBuffer(Formula.tensor("layer/\(name)", count: shape.count)))
  }

  /// Output, input gradient (of an input's copies together) and parameter gradients.
  func pass(
    _ layer: any LinearLayer, _ store: ParameterStore, copies: Int, shards: [Range<Int>]? = nil
  ) throws -> [[Float]] {
    let single = Self.tensor("input", channels: Self.inputs)
    let x = Tensor(
      Shape(batch: Self.batch, height: 1, width: 1, channels: Self.inputs * copies),
      in: FloatBuffer(single.array.flatMap { [Float](repeating: $0, count: copies) }))
    let y = Self.tensor("output", channels: Self.outputs)
    layer.forward(x, into: y, store: store, context: context)
    let xGradient = Tensor(x.shape)
    store.clearGradients(wide: shards != nil)
    var hooks = PassHooks()
    hooks.imageShards = shards
    layer.backward(
      Self.tensor("gradient", channels: Self.outputs), x: x, xGradient: xGradient,
      pass: GradientPass(store: store, context: context, told: hooks))
    try store.reduceWideGradients { _ in }
    let sums = stride(from: 0, to: x.shape.count, by: copies).map { start in
      xGradient.array[start..<start + copies].reduce(0, +)
    }
    return [y.array, sums, store.gradients.array]
  }
}

@Suite("RepeatedLinear")
struct RepeatedLinearTests {
  @Test func equalsTheLayerThatIsGivenTheCopies() throws {
    let test = RepeatedCase()
    let expected = try test.pass(test.ordinary, test.ordinaryStore, copies: RepeatedCase.copies)
    let found = try test.pass(test.repeated, test.repeatedStore, copies: 1)
    for (values, names) in zip(zip(found, expected), ["output", "input", "parameters"]) {
      expectClose(values.0, values.1, relative: 1e-5, names)
    }
  }

  @Test func sumsOfShardsAreTheWhole() throws {
    let test = RepeatedCase()
    let whole = try test.pass(test.repeated, test.repeatedStore, copies: 1)
    let shards = try test.pass(
      test.repeated, test.repeatedStore, copies: 1, shards: [0..<2, 2..<3, 3..<5])
    expectClose(shards[2], whole[2], relative: 1e-6)
  }

  @Test func threadsDoNotChangeABit() throws {
    let (one, three) = (RepeatedCase(threads: 1), RepeatedCase(threads: 3))
    try #expect(
      one.pass(one.repeated, one.repeatedStore, copies: 1)
        == three.pass(three.repeated, three.repeatedStore, copies: 1))
  }
}
