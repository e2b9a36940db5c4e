/// Times t-SNE of one set of features, and measures how good the result is.
package struct TSNEBenchmark: Sendable {
  /// One embedding's figures.
  package struct Report: Sendable {
    /// Wall seconds of the embedding.
    package var seconds: StepBenchmark.Spread
    /// Processor seconds of the embedding, over all threads.
    package var cpuSeconds: StepBenchmark.Spread
    /// KL(P || Q) in nats.
    package var klDivergence: Double
    /// Trustworthiness by the number of neighbours.
    package var trustworthiness: [(neighbours: Int, value: Double)]
    /// Steps of the descent.
    package var iterations: Int
    /// The places, [n, 2].
    package var positions: FeatureMatrix
  }

  /// How points are embedded.
  package var tsne: TSNE
  /// Threads that share the work.
  package var threads: Int
  /// Timed embeddings.
  package var runs: Int

  /// A benchmark of `runs` embeddings.
  package init(tsne: TSNE, threads: Int, runs: Int) {
    self.tsne = tsne
    self.threads = threads
    self.runs = runs
  }

  /// Embeds `features`, [n, d].
  package func run(_ features: FeatureMatrix) throws -> Report {
    let context = ComputeContext(threads: threads)
    var (walls, cpus) = ([Double](), [Double]())
    var last: TSNE.Embedding?
    for _ in 0..<max(runs, 1) {
      let (start, cpu) = (ContinuousClock.now, StepBenchmark.processorSeconds())
      last = try tsne.embed(features, context: context)
      walls.append((ContinuousClock.now - start).seconds)
      cpus.append(StepBenchmark.processorSeconds() - cpu)
    }
    guard let last else { preconditionFailure("no embedding") }
    let neighbours = [5, 12].filter { 2 * $0 < features.rows }
    return Report(
      seconds: .init(walls), cpuSeconds: .init(cpus), klDivergence: last.klDivergence,
      trustworthiness: try neighbours.map {
        (
          $0,
          try Trustworthiness.of(
            features, embedding: last.positions, neighbours: $0, context: context)
        )
      }, iterations: last.iterations, positions: last.positions)
  }

  /// Features of ten clusters of unequal spread, none below zero, as before a network's head: a
  /// function of the sizes alone; [points, features].
  package static func clusters(points: Int, features: Int) -> FeatureMatrix {
    let count = 10
    var stream = RandomStream(seed: 0, purpose: .test, epoch: features)
    let centres = (0..<count * features).map { _ in stream.nextNormal() }
    let result = FeatureMatrix(rows: points, columns: features)
    for point in 0..<points {
      var stream = RandomStream(seed: 1, purpose: .test, epoch: features, index: point)
      let cluster = point % count
      let spread = 0.5 + Float(cluster) / Float(count)
      for feature in 0..<features {
        result.pointer[point * features + feature] =
          max(centres[cluster * features + feature] + spread * stream.nextNormal(), 0)
      }
    }
    return result
  }
}

extension FeatureMatrix {
  /// A numpy array of two dimensions and real numbers, or nil for any other.
  package init?(_ array: NumpyArray) {
    guard array.shape.count == 2, let values = array.doubles else { return nil }
    self.init(rows: array.shape[0], columns: array.shape[1], values: values.map { Float($0) })
  }
}
