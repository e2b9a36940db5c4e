import Foundation

/// What a sheet says in words.
enum SheetNotes {
  /// The line below a panel's title: the model and the rates on the whole test sets.
  static func rates(_ panel: FeaturePanel) -> String {
    "\(panel.modelName), width \(panel.width): "
      + "C-ACC \(BackdoorMetrics.figure(panel.metrics.cleanAccuracy)), "
      + "ASR \(BackdoorMetrics.figure(panel.metrics.attackSuccessRate))"
  }

  /// The lines below a panel: figures on features, then those of the embedding.
  static func figures(_ panel: FeaturePanel) -> [String] {
    var lines: [String] = []
    if let figures = panel.figures {
      lines.append(
        String(
          format: "silhouette %.3f, linear probe %.3f, centroid distance %.2f, cosine %.2f",
          figures.silhouette, figures.linearProbeAccuracy, figures.centroidDistance,
          figures.centroidCosine))
    } else if panel.triggeredCount == 0 {
      lines.append("no triggered points")
    } else if panel.target == nil {
      lines.append("each class has a target of its own: no figures")
    } else {
      lines.append("too few points of the target class or triggered for figures")
    }
    var embedding = String(format: "KL divergence %.3f", panel.klDivergence)
    if let trustworthiness = panel.trustworthiness {
      embedding += String(format: ", trustworthiness %.3f", trustworthiness)
    }
    return lines + [embedding]
  }

  /// The text below the legend: what is shown, and what the figures mean.
  static func text(
    _ panels: [FeaturePanel], classCount: Int, configuration: FeatureSheetConfiguration
  ) -> String {
    let points = panels.first?.labels.count ?? 0
    let triggered = panels.map(\.triggeredCount).max() ?? 0
    var sentences = [
      "What the model's last layer is given, for \(points) clean test images of "
        + "\(classCount) classes (discs)"
        + (triggered > 0 ? " and \(triggered) triggered ones (triangles)" : "")
        + String(
          format: ", in the plane by t-SNE: perplexity %g, up to %d iterations, PCA start.",
          configuration.perplexity, configuration.iterations),
      "C-ACC and ASR are of the whole test set.",
    ]
    if panels.contains(where: { $0.figures != nil }) {
      sentences += [
        "Triggered against clean points of the target class, measured on the features themselves:",
        "silhouette (Rousseeuw 1987), 1 far apart, 0 mixed;",
        "balanced accuracy of a linear probe (Alain and Bengio 2016; ridge, five-fold),"
          + " 0.5 if it cannot tell them apart;",
        "distance of centroids over spread (after Fisher 1936);",
        "cosine of the ways to both centroids from that of all clean points.",
      ]
    }
    sentences.append(
      "Trustworthiness is over \(FeaturePanel.trustworthinessNeighbours) neighbours.")
    if SheetPalette.repeats(classCount: classCount) {
      sentences.append("Colours repeat after nine classes besides the target.")
    }
    return sentences.joined(separator: " ")
  }
}
