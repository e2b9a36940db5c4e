import Core
import Distributed
import TestSupport
import Testing

/// t-SNE as a whole: as good as scikit-learn's, the same for any number of threads, clear errors.
@Suite struct TSNETests {
  /// Runs of scikit-learn, and 5 % of their KL divergence: what issue and documentation promise.
  @Test(arguments: [
    "pca_0_30", "pca_0_10", "random_0_30", "random_1_30", "random_2_30", "random_3_30",
    "random_4_30",
  ])
  func isAsGoodAsScikitLearn(run: String) throws {
    let golden = try TSNEPoints.golden.get().branch("runs/\(run)")
    let points = try TSNEPoints.clusters()
    let context = ComputeContext(threads: 2)
    var settings = TSNE.Settings()
    settings.perplexity = try golden.number("perplexity")
    settings.seed = UInt64(try golden.number("seed"))
    settings.initialization = try golden.text("init") == "pca" ? .pca : .random
    let embedding = try TSNE(settings).embed(points, context: context)
    expectClose(
      embedding.klDivergence, try golden.number("kl_divergence"), relative: 0.05, "KL of \(run)")
    for neighbours in [5, 12] {
      expectClose(
        try Trustworthiness.of(
          points, embedding: embedding.positions, neighbours: neighbours, context: context),
        try golden.number("trustworthiness/\(neighbours)"), relative: 0.05, "trust of \(run)")
    }
  }

  @Test func bitsDoNotDependOnTheNumberOfThreads() throws {
    let points = try TSNEPoints.clusters()
    let embeddings = try [1, 2, 3].map { threads in
      try TSNE().embed(points, context: ComputeContext(threads: threads))
    }
    for other in embeddings.dropFirst() {
      #expect(other.positions.buffer.array == embeddings[0].positions.buffer.array)
      #expect(other.klDivergence == embeddings[0].klDivergence)
    }
  }

  @Test func progressFallsAndEndsWithTheLastStep() throws {
    var seen: [TSNE.Progress] = []
    var settings = TSNE.Settings()
    settings.maxIterations = 310
    let embedding = try TSNE(settings).embed(
      TSNEPoints.clusters(), context: ComputeContext(threads: 1)
    ) { seen.append($0) }
    #expect(seen.map(\.iteration) == [50, 100, 150, 200, 250, 300, 310])
    #expect(seen.allSatisfy { $0.of == 310 })
    #expect(seen[6].klDivergence < seen[0].klDivergence)
    #expect(embedding.iterations == 310)
    #expect(abs(embedding.klDivergence - seen[6].klDivergence) < 0.05 * seen[6].klDivergence)
  }

  @Test func anErrorOfTheCallerEndsTheDescent() throws {
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try TSNE().embed(TSNEPoints.clusters(), context: ComputeContext(threads: 2)) { _ in
        throw Stop()
      }
    }
  }

  /// 300 points of which 200 are one and the same, then all of them.
  @Test(arguments: [200, 300]) func identicalPointsAreEmbedded(copies: Int) throws {
    let points = TSNEPoints.normal(300, 8)
    for row in 0..<copies * 8 { points.buffer.pointer[row] = 1.5 }
    let embedding = try TSNE().embed(points, context: ComputeContext(threads: 2))
    #expect(embedding.positions.buffer.array.allSatisfy { $0.isFinite })
    #expect(embedding.klDivergence.isFinite)
  }

  @Test func pointsOnALineLeaveTheLine() throws {
    let points = FeatureMatrix(rows: 120, columns: 1, values: (0..<120).map(Float.init))
    let embedding = try TSNE().embed(points, context: ComputeContext(threads: 1))
    let trust = try Trustworthiness.of(
      points, embedding: embedding.positions, context: ComputeContext(threads: 1))
    #expect(trust > 0.95)
  }

  @Test func unfitSettingsAndPointsAreNamed() throws {
    let context = ComputeContext(threads: 1)
    func error(_ points: FeatureMatrix, _ change: (inout TSNE.Settings) -> Void = { _ in })
      -> EmbeddingError?
    {
      var settings = TSNE.Settings()
      change(&settings)
      return #expect(throws: EmbeddingError.self) {
        try TSNE(settings).embed(points, context: context)
      }
    }
    let points = TSNEPoints.normal(40, 3)
    #expect(error(TSNEPoints.normal(3, 3)) == .tooFewPoints(found: 3, least: 4))
    #expect(error(TSNEPoints.normal(30, 3)) == .perplexity(30, points: 30))
    #expect(error(points) { $0.perplexity = 0.5 } == .perplexity(0.5, points: 40))
    #expect(error(points) { $0.perplexity = .nan } != nil)
    #expect(error(FeatureMatrix(rows: 40, columns: 0)) == .noFeatures)
    #expect(error(points) { $0.angle = 1.5 }?.description.contains("angle") == true)
    #expect(error(points) { $0.learningRate = 0 }?.description.contains("learning_rate") == true)
    #expect(error(points) { $0.maxIterations = 249 }?.description.contains("max_iter") == true)
    points.buffer.pointer[3 * 7 + 2] = .infinity
    #expect(error(points) == .notFinite(point: 7, feature: 2))
    for description in [error(points), error(TSNEPoints.normal(30, 3))].map(\.debugDescription) {
      #expect(!description.contains("\n"))
    }
  }
}
