import Core
import Distributed
import TestSupport
import Testing

/// The implicit part of i-bau's hypergradient against double precision
/// (`i-bau/implicit_batch0_float64.pt`).
@Suite(.enabled(if: Fixtures.available(for: "ImplicitGradientTests")))
struct ImplicitGradientTests {
  @Test func theImplicitPartIsTheOneOfDoublePrecision() throws {
    let fixture = try DefenceFixture("i-bau/implicit_batch0_float64.pt")
    let thin = try DefenceData.model()
    let flat = try TorchFixture("defences/common/batches.pt")
    let batch = ThinModel.LabeledBatch(
      images: try DefenceData.images(flat, "x_u8", 0..<104),
      labels: Array(try flat.labels("labels")[0..<104])
    ).batch
    let w = pixels(try fixture.floats("w"))
    let images = FloatBuffer(count: batch.images.count)
    for place in 0..<images.count {
      images.pointer[place] = batch.images.pointer[place] + w[place % w.count]
    }
    let passes = SharedPasses(
      thin.model, communicator: SoloCommunicator(), context: thin.context)
    let part = ImplicitGradient(
      passes, batch: batch, settings: ImplicitUnlearning(), communicator: SoloCommunicator(),
      at: Moment(learningRate: 0))
    passes.clearGradients()
    let v = try part.add(images, outer: pixels(try fixture.floats("g_w")).map { Double($0) })
    expectClose(v.map { Float($0) }, pixels(try fixture.floats("v")), relative: 1e-4, "v")
    let (store, values) = (thin.store, thin.store.values.array)
    // The store names and lays out its values; the gradients stand in their place for a moment.
    store.values.pointer.update(from: store.gradients.pointer, count: values.count)
    let named = store.parameterValues()
    store.values.pointer.update(from: values, count: values.count)
    // Single elements against their tensor's root mean square: in float a ReLU whose input is nearly 0
    // may pass on what in double it does not, which moves one tensor's by 1.5e-4.
    try fixture.expectDigests(named, "implicit", relative: 3e-4)
    let logits = thin.model.tangent(along(v, count: 104), context: thin.context)
    expectClose(
      logits.array, try fixture.floats("tangent_logits"), relative: 1e-4, "tangent of the logits")
    let clean = thin.model.forward(
      Tensor(thin.model.inputShape.withBatch(104), in: images), mode: .differentiating,
      context: thin.context)
    let product = try part.product(v, Classes.probabilities(clean))
    expectClose(
      product.map { Float($0) }, pixels(try fixture.floats("H_v")), relative: 1e-4, "H v")
  }

  private func along(_ v: [Double], count: Int) -> Tensor {
    let t = Tensor(Shape(batch: count, height: 32, width: 32, channels: 3))
    for place in 0..<t.shape.count { t.pointer[place] = Float(v[place % v.count]) }
    return t
  }

  /// [H, W, C] of [C, H, W].
  private func pixels(_ planes: [Float]) -> [Float] {
    let size = planes.count / 3
    return (0..<planes.count).map { planes[$0 % 3 * size + $0 / 3] }
  }
}
