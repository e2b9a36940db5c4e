/// One archive on a sheet: its features in the plane, and what was measured of it.
public struct FeaturePanel: Sendable {
  /// The archive's path.
  public var archive: String
  /// What the archive is.
  public var description: RunDescription
  /// The architecture, such as `resnet18`.
  public var modelName: String
  /// The planes of its first stage.
  public var width: Int
  /// C-ACC, ASR and RA on the whole test sets.
  public var metrics: BackdoorMetrics
  /// The class that triggered images are to be taken for; nil where each class has its own, or
  /// where no triggered images are known.
  public var target: Int?
  /// The class of each clean point: [clean].
  public var labels: [Int]
  /// The number of triggered points.
  public var triggeredCount: Int
  /// Triggered against clean points of the target class, on features; nil without target.
  public var figures: FeatureFigures?
  /// Places in the plane: clean points, then triggered ones, [clean + triggered, 2].
  public var positions: FeatureMatrix
  /// KL(P || Q) of the embedding, in nats.
  public var klDivergence: Double
  /// How far neighbours in the plane are neighbours among the features, over
  /// `trustworthinessNeighbours`; nil for fewer points than that takes.
  public var trustworthiness: Double?

  /// The neighbours of each point over which trustworthiness is counted.
  public static let trustworthinessNeighbours = 5

  /// Clean points of the target class.
  public var targetCount: Int { target.map { target in labels.count { $0 == target } } ?? 0 }
}

/// Features of the chosen images of one archive, with what its whole test sets came to.
struct PanelFeatures {
  var description: RunDescription
  var modelName: String
  var width: Int
  var classNames: [String]
  var metrics: BackdoorMetrics
  var target: Int?
  /// The class of each clean point: [clean].
  var labels: [Int]
  /// [clean, d].
  var clean: FeatureMatrix
  /// [triggered, d].
  var triggered: FeatureMatrix
}
