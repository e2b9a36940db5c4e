import Core
import Foundation
import TestSupport
import Testing

@Suite("Adam")
struct AdamTests {
  private struct Case: Decodable, Sendable {
    let amsgrad: Bool
    let decay: Double
    let betas: [Double]
    let start: [Float]
    let gradients: [[Float]]
    let values: [[Float]]
  }

  /// PyTorch's own figures, in one piece and in two, as parts of a step may wait for gradients.
  @Test(arguments: [1, 3], [1, 2])
  func tenStepsAreThoseOfPyTorch(threads: Int, pieces: Int) throws {
    for example in try JSONDecoder().decode(
      [Case].self, from: Data(contentsOf: Golden.url("adam")))
    {
      var plan = ParameterLayoutPlan()
      _ = plan.parameter("weight", shape: [example.start.count], role: .matrix)
      let (store, context) = (ParameterStore(plan), ComputeContext(threads: threads))
      store.values.fill(from: example.start)
      let adam = Adam(
        for: store, betas: (example.betas[0], example.betas[1]), weightDecay: example.decay,
        amsgrad: example.amsgrad)
      for (step, gradient) in example.gradients.enumerated() {
        store.gradients.fill(from: gradient)
        adam.beginStep()
        let count = example.start.count
        for piece in 0..<pieces {
          adam.step(
            store, range: piece * count / pieces..<(piece + 1) * count / pieces,
            learningRate: step < 5 ? 0.01 : 0.003, context: context)
        }
        expectClose(store.values.array, example.values[step], relative: 1e-6)
      }
      #expect(adam.stepCount == 10)
    }
  }
}
