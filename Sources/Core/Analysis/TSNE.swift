import Distributed
import Foundation

/// t-SNE: points of many features in the plane, so that neighbours stay neighbours.
///
/// Exact nearest neighbours, then gradient descent on KL(P || Q) with forces by Barnes and Hut (van
/// der Maaten, "Accelerating t-SNE using tree-based algorithms", JMLR 2014). The schedule and all
/// defaults are scikit-learn's. The result depends on points and settings alone: the same bits for
/// any number of threads.
public struct TSNE: Sendable {
  /// Where the descent starts.
  public enum Initialization: String, CaseIterable, Sendable {
    /// The two principal components, scaled so that the first has standard deviation 1e-4.
    case pca
    /// Normal numbers of standard deviation 1e-4, keyed by the seed.
    case random
  }

  /// What can be set; names and defaults are scikit-learn's.
  public struct Settings: Equatable, Sendable {
    /// The effective number of neighbours of each point; at least 1, less than the points.
    public var perplexity = 30.0
    /// Steps in all, those of early exaggeration among them.
    public var maxIterations = 1000
    /// η; nil for max(n / early exaggeration / 4, 50).
    public var learningRate: Double?
    /// What P is multiplied by in the first 250 steps, whose momentum is 0.5; 0.8 later.
    public var earlyExaggeration = 12.0
    /// θ: a square of the tree stands for its points where width / distance is less; 0 is exact.
    public var angle = 0.5
    /// Steps without a lower KL divergence that end the descent after the first 250.
    public var iterationsWithoutProgress = 300
    /// A length of the gradient that ends the descent.
    public var minGradientNorm = 1e-7
    /// Where the descent starts.
    public var initialization = Initialization.pca
    /// The seed of a random start.
    public var seed: UInt64 = 0

    /// scikit-learn's defaults.
    public init() {}
  }

  /// How far a descent is.
  public struct Progress: Equatable, Sendable {
    /// Steps done.
    public var iteration: Int
    /// The most steps that there may be.
    public var of: Int
    /// KL(P || Q) without exaggeration, Z approximated.
    public var klDivergence: Double
  }

  /// Points in the plane.
  public struct Embedding: Sendable {
    /// [n, 2], in the points' order.
    public var positions: FeatureMatrix
    /// KL(P || Q) in nats, with Z summed over all pairs.
    public var klDivergence: Double
    /// Steps done.
    public var iterations: Int
  }

  /// The fewest points that are embedded.
  public static let fewestPoints = 4
  static let explorationIterations = 250
  /// Steps from one look at the KL divergence to the next.
  static let checkInterval = 50
  static let startDeviation = 1e-4

  /// What was set.
  public let settings: Settings

  /// t-SNE with `settings`; they are checked when points are embedded.
  public init(_ settings: Settings = Settings()) { self.settings = settings }

  /// Embeds `points`, [n, d], in the plane; throws `EmbeddingError` and what `progress` throws.
  ///
  /// `progress` is called on this thread every 50 steps and after the last.
  public func embed(
    _ points: FeatureMatrix, context: ComputeContext,
    progress: (Progress) throws -> Void = { _ in }
  ) throws -> Embedding {
    try check(points)
    let affinities = Affinities(points, perplexity: settings.perplexity, context: context)
    let positions = start(points, context)
    let gradient = EmbeddingGradient(
      affinities: affinities, angle: Float(settings.angle), context: context)
    let iterations = try descend(positions.buffer, gradient, progress)
    return Embedding(
      positions: positions, klDivergence: gradient.exactDivergence(at: positions.buffer),
      iterations: iterations)
  }

  /// η for `count` points.
  func learningRate(count: Int) -> Double {
    settings.learningRate ?? max(Double(count) / settings.earlyExaggeration / 4, 50)
  }

  /// Where the descent starts, [n, 2].
  package func start(_ points: FeatureMatrix, _ context: ComputeContext) -> FeatureMatrix {
    let random = randomStart(points.rows)
    guard settings.initialization == .pca else { return random }
    let scores = PrincipalComponents(points, count: 2, context: context).scores
    let deviation = Self.deviation(scores, column: 0)
    // Identical points have no components, points on a line only one.
    guard deviation > 0 else { return random }
    let isLine = Self.deviation(scores, column: 1) < 1e-6 * deviation
    for row in 0..<scores.rows {
      let place = scores.pointer.load2(row) * Float(Self.startDeviation / deviation)
      scores.pointer.store2(isLine ? SIMD2(place.x, random.row(row)[1]) : place, row)
    }
    return scores
  }

  private func randomStart(_ count: Int) -> FeatureMatrix {
    let result = FeatureMatrix(rows: count, columns: 2)
    for row in 0..<count {
      var stream = RandomStream(seed: settings.seed, purpose: .initialization, index: row)
      let deviation = Float(Self.startDeviation)
      result.pointer.store2(
        SIMD2(stream.nextNormal() * deviation, stream.nextNormal() * deviation), row)
    }
    return result
  }

  /// The standard deviation of a column, over n.
  private static func deviation(_ matrix: FeatureMatrix, column: Int) -> Double {
    let values = (0..<matrix.rows).map { Double(matrix.row($0)[column]) }
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(values.count)).squareRoot()
  }

  /// Runs both phases on `positions`, and returns the number of steps.
  private func descend(
    _ positions: FloatBuffer, _ gradient: EmbeddingGradient,
    _ progress: (Progress) throws -> Void
  ) throws -> Int {
    let exploration = min(Self.explorationIterations, settings.maxIterations)
    let explored = try run(
      0..<exploration, positions, gradient, exaggeration: Float(settings.earlyExaggeration),
      momentum: 0.5, patience: Self.explorationIterations, progress)
    return try run(
      explored..<settings.maxIterations, positions, gradient, exaggeration: 1, momentum: 0.8,
      patience: settings.iterationsWithoutProgress, progress)
  }

  /// Runs at most the steps of `range`, and returns the number of steps done so far.
  private func run(
    _ range: Range<Int>, _ positions: FloatBuffer, _ gradient: EmbeddingGradient,
    exaggeration: Float, momentum: Float, patience: Int, _ progress: (Progress) throws -> Void
  ) throws -> Int {
    let rate = Float(learningRate(count: positions.count / 2))
    var descent = GradientDescent(
      count: positions.count, momentum: momentum, learningRate: rate)
    var best = (divergence: Double.infinity, iteration: range.lowerBound)
    for iteration in range {
      gradient.evaluate(at: positions, exaggeration: exaggeration)
      let isChecked = (iteration + 1) % Self.checkInterval == 0 || iteration + 1 == range.upperBound
      let divergence = isChecked ? gradient.divergence(at: positions) : 0
      let norm = descent.step(positions, gradient: gradient.gradient)
      guard isChecked else { continue }
      try progress(
        Progress(
          iteration: iteration + 1, of: settings.maxIterations, klDivergence: divergence))
      if divergence < best.divergence {
        best = (divergence, iteration)
      } else if iteration - best.iteration > patience {
        return iteration + 1
      }
      if norm <= settings.minGradientNorm { return iteration + 1 }
    }
    return range.upperBound
  }
}
