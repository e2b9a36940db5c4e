import Core
import Distributed
import TestSupport

/// The points of `Tests/Goldens/tsne.json`, and sets made on the spot.
enum TSNEPoints {
  static let golden = Result { try Golden.load("tsne") }

  /// 400 points of 32 features in ten clusters.
  static func clusters() throws -> FeatureMatrix {
    let golden = try golden.get()
    return FeatureMatrix(
      rows: Int(try golden.number("points")), columns: Int(try golden.number("features")),
      values: try golden.numbers("eighths").map { Float($0) / 8 })
  }

  /// `rows` normal points.
  static func normal(_ rows: Int, _ columns: Int, seed: UInt64 = 0) -> FeatureMatrix {
    var stream = RandomStream(seed: seed, purpose: .test)
    return FeatureMatrix(
      rows: rows, columns: columns,
      values: (0..<rows * columns).map { _ in stream.nextNormal() })
  }

  /// The first `count` points of a set.
  static func first(_ count: Int, of points: FeatureMatrix) -> FeatureMatrix {
    FeatureMatrix(
      rows: count, columns: points.columns, values: (0..<count).flatMap { points[$0] })
  }
}
