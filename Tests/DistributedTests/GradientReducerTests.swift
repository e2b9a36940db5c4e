import Distributed
import Testing

@Suite struct GradientReducerTests {
  @Test(arguments: 1...8) func everyGradientIsSummedOnce(worldSize: Int) throws {
    for sizes in [[], [1], [3, 0, 5], [100, 7, 1, 400]] {
      let plan = BucketPlan(sizesInReadyOrder: sizes, firstCap: 8, cap: 64)
      let results = try LocalGroup.run(worldSize: worldSize) { communicator in
        let gradients = FloatBuffer((0..<plan.count).map { Float(communicator.rank * 1000 + $0) })
        try GradientReducer(communicator: communicator, gradients: gradients, plan: plan).reduce()
        return gradients.array
      }
      let ranks = 1000 * worldSize * (worldSize - 1) / 2
      let expected = (0..<plan.count).map { Float(ranks + worldSize * $0) }
      #expect(results.allSatisfy { $0 == expected })
    }
  }
}
