import Core
import Testing

/// `KernelBenchmark`: the layers are the network's, and a result that is off ends the run.
@Suite struct KernelBenchmarkTests {
  static let small = KernelBenchmark(width: 16, batchSize: 2, threads: 2, steps: 1)

  @Test func layersAreThoseOfTheNetwork() {
    let layers = ConvolutionLayer.ofResNet18(width: 64)
    let weights = layers.map { layer in
      layer.count * layer.geometry.patchSize * layer.geometry.outputChannels
    }.reduce(0, +)
    let model = ThinModel(.resnet18, width: 64)
    let expected = model.store.plan.parameters.filter { $0.shape.count == 4 }
    #expect(layers.map(\.count).reduce(0, +) == expected.count)
    #expect(weights == expected.map(\.count).reduce(0, +))
  }

  @Test func everyLayerPassesItsCheck() throws {
    let reports = try Self.small.run()
    #expect(reports.count == 11)
    for report in reports where report.kernel == "winograd" {
      // 144 multiplications of a 4x4 tile become 36, or 81 at stride 2.
      let ratio = report.directOperations / report.productOperations
      #expect(abs(ratio - (report.layer.geometry.stride == 1 ? 4 : 144.0 / 81)) < 1e-9)
    }
  }

  @Test func aKernelThatIsOffEndsTheRun() {
    var benchmark = Self.small
    benchmark.errorLimit = 1e-8
    let error = #expect(throws: KernelMismatch.self) { try benchmark.run() }
    let text = error?.description ?? ""
    #expect(text.contains("forward of 3x3/1-16-16@32") && text.contains("1e-08"), "\(text)")
  }
}
