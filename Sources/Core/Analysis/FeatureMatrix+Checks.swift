extension FeatureMatrix {
  /// Throws `EmbeddingError.notFinite` at the first number that is infinite or none at all.
  func checkFinite() throws(EmbeddingError) {
    let floats = buffer.floats
    for index in 0..<rows * columns where !floats[index].isFinite {
      throw .notFinite(point: index / columns, feature: index % columns)
    }
  }
}
