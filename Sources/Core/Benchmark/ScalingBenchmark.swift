import Distributed

/// Says how training steps and evaluation passes spread over threads, on fewer cores if need be.
///
/// See `WorkProfile` for what it takes the time of.
package struct ScalingBenchmark: Sendable {
  /// One number of threads.
  package struct Row: Sendable {
    /// What was timed.
    package var kind: StepBenchmark.Kind
    /// The threads that shared a pass.
    package var threads: Int
    /// Wall seconds of a pass here, on the cores that there are.
    package var seconds: StepBenchmark.Spread
    /// How the threads shared it.
    package var profile: WorkProfile
    /// `path` of one thread over this one's: as many times as fast at most.
    package var speedup: Double
  }

  private let model: NetworkKind
  private let width, batchSize, steps: Int
  private let counts: [Int]
  private let precision: PrecisionChoice

  /// A benchmark on 1, 2, 4 and so on to `largest` threads, of `steps` passes each.
  package init(
    model: NetworkKind = .resnet18, width: Int, batchSize: Int, largest: Int, steps: Int,
    precision: PrecisionChoice = .float32
  ) {
    (self.model, self.width, self.batchSize) = (model, width, batchSize)
    (self.steps, self.precision) = (steps, precision)
    counts = Array(sequence(first: 1) { $0 * 2 }.prefix { $0 < largest }) + [largest]
  }

  /// Runs all passes.
  package func run() throws -> [Row] {
    try [StepBenchmark.Kind.step, .evaluate].flatMap { kind in
      var alone: Double?
      return try counts.compactMap { threads -> Row? in
        var benchmark = StepBenchmark(
          kind: kind, model: model, width: width, batchSize: batchSize, threads: threads,
          steps: steps, precision: precision)
        benchmark.isProfiled = true
        let report = try benchmark.run()
        guard let profile = report.profile else { return nil }
        alone = alone ?? profile.path
        return Row(
          kind: kind, threads: threads, seconds: report.seconds, profile: profile,
          speedup: (alone ?? profile.path) / profile.path)
      }
    }
  }
}
