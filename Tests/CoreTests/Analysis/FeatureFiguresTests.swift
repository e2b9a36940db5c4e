import Core
import TestSupport
import Testing

/// Points on a line.
private func line(_ values: [Float]) -> FeatureMatrix {
  FeatureMatrix(rows: values.count, columns: 1, values: values)
}

/// Silhouette, linear probe, centroids' distance and cosine in closed form.
@Suite struct FeatureFiguresTests {
  /// Rousseeuw's s of the four points is 9/11, 7/9, 7/9 and 9/11.
  @Test func theSilhouetteOfTwoPairsOnALine() {
    let silhouette = Silhouette.mean(line([0, 2]), line([10, 12]))
    expectClose(silhouette, (9.0 / 11 + 7.0 / 9) / 2, relative: 1e-15)
  }

  @Test func pointsAloneOrAllEqualCountZero() {
    #expect(Silhouette.mean(line([1]), line([5])) == 0)
    #expect(Silhouette.mean(line([3, 3, 3]), line([3, 3])) == 0)
    // The pair's s are (10 - 0) / 10 each; the single point counts 0.
    expectClose(Silhouette.mean(line([0, 0]), line([10])), 2.0 / 3, relative: 1e-15)
  }

  @Test func theSilhouetteDoesNotDependOnWhichGroupIsFirst() {
    let (a, b) = (line([0, 1, 5]), line([4, 9]))
    expectClose(Silhouette.mean(a, b), Silhouette.mean(b, a), relative: 1e-15)
  }

  @Test func theCentroidsOfTwoPairsAreTenSpreadsApart() {
    #expect(CentroidDistance.ratio(line([0, 2]), line([10, 12])) == 10)
    // Unequal spreads 0 and 4: √((0 + 16) / 2).
    expectClose(
      CentroidDistance.ratio(line([3, 3]), line([8, 16])), 9 / 8.0.squareRoot(), relative: 1e-15)
    #expect(CentroidDistance.ratio(line([0, 2]), line([-1, 1, 2, 2])) == 0)
    #expect(CentroidDistance.ratio(line([1, 1]), line([1])) == 0)
    #expect(CentroidDistance.ratio(line([1, 1]), line([2])) == .infinity)
  }

  /// Centroids (4, 0) and (1, 1), seen from (1, -3): ways (3, 3) and (0, 4).
  @Test func theCosineIsThatOfTheWaysFromTheMiddle() {
    func plane(_ values: [Float]) -> FeatureMatrix {
      FeatureMatrix(rows: values.count / 2, columns: 2, values: values)
    }
    let (a, b) = (plane([3, 1, 5, -1]), plane([1, 1]))
    expectClose(
      CentroidCosine.of(a, b, from: plane([0, -3, 2, -3])), 0.5.squareRoot(), relative: 1e-15)
    #expect(CentroidCosine.of(line([1, 3]), line([-1]), from: line([0, 0, 0])) == -1)
    #expect(CentroidCosine.of(a, b, from: b) == 0)
  }

  @Test func aProbeTellsApartWhatALineCanCutAndNothingElse() {
    let (low, high) = (line([0, 1, 2, 3, 4]), line([6, 7, 8, 9, 10]))
    #expect(LinearProbe.balancedAccuracy(low, high) == 1)
    #expect(LinearProbe.balancedAccuracy(high, low) == 1)
    let same = line([5, 5, 5, 5, 5])
    #expect(LinearProbe.balancedAccuracy(same, same) == 0.5)
  }

  /// Nine tenths of the points in one group must not make a probe that always says so look good.
  @Test func aProbeThatAlwaysSaysTheSameScoresOneHalf() {
    let (many, few) = (line((0..<90).map { Float($0 % 2) }), line((0..<10).map { Float($0 % 2) }))
    #expect(abs(LinearProbe.balancedAccuracy(many, few) - 0.5) <= 0.05)
  }

  @Test func groupsTooSmallForFiveFoldsHaveNoFigures() {
    let (four, five) = (line([1, 2, 3, 4]), line([1, 2, 3, 4, 5]))
    #expect(FeatureFigures(triggered: four, target: five, clean: five) == nil)
    #expect(FeatureFigures(triggered: five, target: four, clean: five) == nil)
    #expect(FeatureFigures(triggered: five, target: five, clean: five) != nil)
  }
}

/// The same figures by scikit-learn.
@Suite struct FeatureFiguresGoldenTests {
  private static let cases = ["mixed", "close", "apart", "wide", "constant_column"]

  private func groups(_ name: String) throws -> (Golden, FeatureMatrix, FeatureMatrix) {
    let golden = try Golden.load("figures").branch(name)
    let columns = Int(try golden.number("columns"))
    func group(_ key: String) throws -> FeatureMatrix {
      let values = try golden.numbers(key).map { Float($0) }
      return FeatureMatrix(rows: values.count / columns, columns: columns, values: values)
    }
    return (golden, try group("first"), try group("second"))
  }

  @Test(arguments: cases) func silhouettes(name: String) throws {
    let (golden, first, second) = try groups(name)
    let difference = abs(Silhouette.mean(first, second) - (try golden.number("silhouette")))
    #expect(difference <= 1e-12)
  }

  @Test(arguments: cases) func balancedAccuracies(name: String) throws {
    let (golden, first, second) = try groups(name)
    expectClose(
      LinearProbe.balancedAccuracy(first, second), try golden.number("balanced_accuracy"),
      relative: 1e-14)
  }

  @Test(arguments: cases) func scoresOfEveryFold(name: String) throws {
    let (golden, first, second) = try groups(name)
    let points = first.joined(with: second)
    let targets = (0..<points.rows).map { $0 < first.rows ? 1.0 : -1.0 }
    let folds = (0..<points.rows).map { ($0 < first.rows ? $0 : $0 - first.rows) % 5 }
    let scores = try golden.numbers("scores")
    for fold in 0..<5 {
      let probe = RidgeClassifier(
        points, targets: targets, fitted: folds.indices.filter { folds[$0] != fold }, penalty: 1)
      for row in folds.indices where folds[row] == fold {
        #expect(abs(probe.score(points[row]) - scores[row]) <= 1e-9, "\(name), row \(row)")
      }
    }
  }
}
