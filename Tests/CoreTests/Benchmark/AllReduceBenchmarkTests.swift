import Core
import Distributed
import Testing

@Suite struct AllReduceBenchmarkTests {
  /// The benchmark throws where a sum is wrong.
  @Test(arguments: [1, 2], GradientCompression.allCases)
  func sumsOfEveryFormAreRight(worldSize: Int, compression: GradientCompression) throws {
    let report = try LocalGroup.run(worldSize: worldSize) { communicator in
      try AllReduceBenchmark(
        plan: AllReduceBenchmark.plan(.resnet18, width: 4, for: compression), runs: 1,
        compression: compression, communicator: communicator
      ).run()
    }[0]
    switch compression {
    case _ where worldSize == 1: #expect(report.compressedBytes == report.bytes)
    case .none: #expect(report.compressedBytes == report.bytes)
    case .fp16, .bf16: #expect(report.compressedBytes == report.bytes / 2)
    case .powersgd: #expect(report.compressedBytes < report.bytes / 4)
    }
  }

  /// All kernels and the head of a ResNet18 travel as factors, BatchNorm's 9,600 floats and the
  /// head's 10 as they are: together 1/136 of all.
  @Test func theKernelsOfAResNetAreMatricesOfInputsByOutputs() {
    let plan = AllReduceBenchmark.plan(.resnet18, width: 64, for: .powersgd)
    let lowRank = LowRankPlan(plan, rank: 2)
    let matrices = lowRank.buckets.flatMap(\.matrices)
    #expect(matrices.count == 21)
    #expect(matrices[0].rows == 10 && matrices[0].columns == 512)
    #expect(matrices[1].rows == 9 * 512 && matrices[1].columns == 512)
    #expect(matrices.last?.rows == 9 * 3 && matrices.last?.columns == 64)
    let floats = lowRank.buckets.reduce(0) { $0 + $1.firstCount + $1.down.count }
    #expect(floats == 72_650 + 9610 && plan.count == 11_173_962)
  }
}
