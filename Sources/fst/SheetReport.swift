import Core
import Foundation

/// What `fst tsne` says on standard output.
enum SheetReport {
  /// Prints the sheet's figures and gives the exit status.
  static func show(_ panels: [FeaturePanel], output: String, json: Bool) throws -> Int32 {
    if json {
      try Report.printJSON(Sheet(output: output, archives: panels.map(Panel.init)))
      return 0
    }
    print("C-ACC    ASR      silhouette  probe    distance  cosine   KL      trust")
    for panel in panels {
      let figures = panel.figures
      let cells = [
        (Report.figure(panel.metrics.cleanAccuracy), 9),
        (Report.figure(panel.metrics.attackSuccessRate), 9),
        (Report.figure(figures?.silhouette), 12), (Report.figure(figures?.linearProbeAccuracy), 9),
        (Report.figure(figures?.centroidDistance), 10),
        (Report.figure(figures?.centroidCosine), 9), (Report.figure(panel.klDivergence), 8),
        (Report.figure(panel.trustworthiness), 9),
      ]
      print(
        cells.map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined()
          + panel.description.title)
    }
    print("sheet    \(output)")
    return 0
  }

  private struct Sheet: Encodable {
    enum CodingKeys: String, CodingKey {
      case output = "out"
      case archives
    }

    let output: String
    let archives: [Panel]
  }

  /// One archive's figures; those that there are not are null.
  private struct Panel: Encodable {
    enum Key: String, CodingKey {
      case archive, title, attack, pratio, mode, alpha, silhouette, trustworthiness, target
      case linearProbeAccuracy = "linear_probe_accuracy"
      case centroidDistance = "centroid_distance"
      case centroidCosine = "centroid_cosine"
      case klDivergence = "kl_divergence"
      case points = "clean_points"
      case targetPoints = "target_points"
      case triggeredPoints = "triggered_points"
    }

    let panel: FeaturePanel

    init(_ panel: FeaturePanel) { self.panel = panel }

    func encode(to encoder: any Encoder) throws {
      try MetricsReport(panel.metrics).encode(to: encoder)
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(panel.archive, forKey: .archive)
      try container.encode(panel.description.title, forKey: .title)
      try container.encode(panel.description.attack, forKey: .attack)
      try container.encode(panel.description.poisonRatio, forKey: .pratio)
      try container.encode(panel.description.defense, forKey: .mode)
      try container.encode(panel.description.alpha, forKey: .alpha)
      try container.encode(panel.target, forKey: .target)
      try container.encode(panel.figures?.silhouette, forKey: .silhouette)
      try container.encode(panel.figures?.linearProbeAccuracy, forKey: .linearProbeAccuracy)
      try container.encode(
        panel.figures.map(\.centroidDistance).flatMap { $0.isFinite ? $0 : nil },
        forKey: .centroidDistance)
      try container.encode(panel.figures?.centroidCosine, forKey: .centroidCosine)
      try container.encode(panel.klDivergence, forKey: .klDivergence)
      try container.encode(panel.trustworthiness, forKey: .trustworthiness)
      try container.encode(panel.labels.count, forKey: .points)
      try container.encode(panel.targetCount, forKey: .targetPoints)
      try container.encode(panel.triggeredCount, forKey: .triggeredPoints)
    }
  }
}
