import Core
import Testing

/// Counting which classes images are taken for.
@Suite struct ConfusionMatrixTests {
  private var matrix: ConfusionMatrix {
    var matrix = ConfusionMatrix(classCount: 3)
    for (label, prediction) in [(0, 0), (0, 1), (0, 1), (1, 1), (2, 0), (1, 2), (1, 2)] {
      matrix.count(label: label, prediction: prediction)
    }
    return matrix
  }

  @Test func eachImageIsCountedOnce() {
    #expect(matrix[0, 0] == 1 && matrix[0, 1] == 2 && matrix[1, 2] == 2 && matrix[2, 0] == 1)
    #expect(matrix.total == 7)
    #expect((0..<3).map(matrix.total(of:)) == [3, 3, 1])
    #expect(matrix.accuracy == 2.0 / 7)
  }

  @Test func confusionsAreTheMostFrequentFirst() {
    let found = matrix.mostFrequent(2).map { [$0.label, $0.prediction, Int($0.images)] }
    #expect(found == [[0, 1, 2], [1, 2, 2]])
    #expect(matrix.mostFrequent(10).count == 3)
  }

  @Test func whatIsNoClassIsLeftOut() {
    var matrix = matrix
    for (label, prediction) in [(-1, 0), (0, 3), (3, 0), (0, -1)] {
      matrix.count(label: label, prediction: prediction)
    }
    #expect(matrix.total == 7)
    #expect(ConfusionMatrix(classCount: 2).accuracy == nil)
  }
}
