extension TSNE {
  /// Throws `EmbeddingError` where settings and points do not fit.
  func check(_ points: FeatureMatrix) throws(EmbeddingError) {
    guard points.rows >= Self.fewestPoints else {
      throw .tooFewPoints(found: points.rows, least: Self.fewestPoints)
    }
    guard points.columns > 0 else { throw .noFeatures }
    guard settings.perplexity >= 1, settings.perplexity < Double(points.rows) else {
      throw .perplexity(settings.perplexity, points: points.rows)
    }
    try checkSettings()
    try points.checkFinite()
  }

  private func checkSettings() throws(EmbeddingError) {
    func require(
      _ holds: Bool, _ name: String, _ found: Any, _ expected: String
    ) throws(EmbeddingError) {
      if !holds { throw .setting(name, found: "\(found)", expected: expected) }
    }
    let settings = settings
    try require(
      settings.maxIterations >= Self.explorationIterations, "max_iter", settings.maxIterations,
      "at least \(Self.explorationIterations), the steps of early exaggeration")
    if let rate = settings.learningRate {
      try require(rate > 0 && rate < .infinity, "learning_rate", rate, "auto or more than 0")
    }
    try require(
      settings.earlyExaggeration >= 1 && settings.earlyExaggeration < .infinity,
      "early_exaggeration", settings.earlyExaggeration, "at least 1; 12 is usual")
    try require(
      settings.angle >= 0 && settings.angle <= 1, "angle", settings.angle,
      "0 (exact) to 1; 0.2 to 0.8 are usual")
    try require(
      settings.iterationsWithoutProgress >= 1, "n_iter_without_progress",
      settings.iterationsWithoutProgress, "at least 1")
    try require(
      settings.minGradientNorm >= 0, "min_grad_norm", settings.minGradientNorm, "at least 0")
  }
}
