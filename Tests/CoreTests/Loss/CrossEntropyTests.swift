import Core
import Distributed
import Foundation
import TestSupport
import Testing

/// Logits [7, 10] and labels of a golden case.
private struct EntropyCase {
  let golden: Golden
  let logits: Tensor
  let labels: [Int32]
  let loss: CrossEntropy

  init(smoothing: Double) throws {
    let name = "cross_entropy_smoothing_\(smoothing)"
    golden = try Golden.load("unit_layers").branch(name)
    let values = Formula.tensor("\(name)/logits", count: 70, scale: 4)
    logits = Tensor(Shape(batch: 7, height: 1, width: 1, channels: 10), in: FloatBuffer(values))
    labels = Formula.labels("\(name)/labels", count: 7)
    loss = CrossEntropy(labelSmoothing: smoothing)
  }

  func mean() -> Double {
    loss.evaluate(logits, labels: labels, globalCount: 7).lossSum / 7
  }
}

@Suite("CrossEntropy")
struct CrossEntropyTests {
  @Test(arguments: [Float.nan, .infinity, -.infinity], [0, 3, 9])
  func anImageWithALogitThatIsNoNumberIsCounted(value: Float, place: Int) throws {
    let entropy = try EntropyCase(smoothing: 0)
    entropy.logits.pointer[20 + place] = value
    let result = entropy.loss.evaluate(entropy.logits, labels: entropy.labels, globalCount: 7)
    #expect(result.nonFinite == 1)
    #expect(result.predictions.count == 7)
  }

  @Test(arguments: [0.0, 0.1])
  func labelsAreTheFormulas(_ smoothing: Double) throws {
    let test = try EntropyCase(smoothing: smoothing)
    #expect(test.labels.map { Int($0) } == (try test.golden.integers("labels")))
  }

  @Test(arguments: [0.0, 0.1])
  func lossEqualsGolden(_ smoothing: Double) throws {
    let test = try EntropyCase(smoothing: smoothing)
    expectClose([Float(test.mean())], try test.golden.tensor("output"), relative: 2e-7)
  }

  @Test(arguments: [0.0, 0.1])
  func gradientEqualsGolden(_ smoothing: Double) throws {
    let test = try EntropyCase(smoothing: smoothing)
    let gradient = Tensor(test.logits.shape)
    _ = test.loss.evaluate(
      test.logits, labels: test.labels, globalCount: 7, gradient: gradient)
    expectClose(gradient.array, try test.golden.tensor("gradients/logits"), relative: 2e-7)
  }

  /// Central differences with step 2^-8 leave an error near 1e-5 of a softmax.
  @Test(arguments: [0.0, 0.1])
  func gradientEqualsFiniteDifferences(_ smoothing: Double) throws {
    let test = try EntropyCase(smoothing: smoothing)
    let gradient = Tensor(test.logits.shape)
    _ = test.loss.evaluate(test.logits, labels: test.labels, globalCount: 7, gradient: gradient)
    let differences = FiniteDifference.gradient(at: test.logits.array, step: 0x1p-8) { values in
      test.logits.buffer.fill(from: values)
      return test.mean()
    }
    #expect(relativeL2Error(gradient.array.map { Double($0) }, differences) < 5e-5)
  }

  @Test func gradientsOfSharesAddUpToTheWhole() throws {
    let test = try EntropyCase(smoothing: 0.1)
    let whole = Tensor(test.logits.shape)
    _ = test.loss.evaluate(test.logits, labels: test.labels, globalCount: 7, gradient: whole)
    for range in [0..<3, 3..<3, 3..<7] {
      let shape = Shape(batch: range.count, height: 1, width: 1, channels: 10)
      let values = Array(test.logits.array[range.lowerBound * 10..<range.upperBound * 10])
      let gradient = Tensor(shape)
      _ = test.loss.evaluate(
        Tensor(shape, in: FloatBuffer(values)), labels: Array(test.labels[range]), globalCount: 7,
        gradient: gradient)
      #expect(gradient.array == Array(whole.array[range.lowerBound * 10..<range.upperBound * 10]))
    }
  }

  @Test func uniformLogitsCostTheLogarithmOfTheClasses() {
    let logits = Tensor(Shape(batch: 3, height: 1, width: 1, channels: 10))
    let result = CrossEntropy().evaluate(logits, labels: [0, 5, 9], globalCount: 3)
    #expect(abs(result.lossSum - 3 * log(10)) < 1e-12)
    #expect(result.predictions == [0, 0, 0] && result.correct == 1)
  }

  @Test func hugeLogitsStayFinite() {
    let logits = Tensor(
      Shape(batch: 1, height: 1, width: 1, channels: 3), in: FloatBuffer([1e4, -1e4, 0]))
    let gradient = Tensor(logits.shape)
    let result = CrossEntropy().evaluate(
      logits, labels: [1], globalCount: 1, gradient: gradient)
    #expect(result.lossSum == 2e4)
    #expect(gradient.array == [1, -1, 0])
  }

  @Test func predictionIsTheLargestLogit() {
    let logits = Tensor(
      Shape(batch: 2, height: 1, width: 1, channels: 3), in: FloatBuffer([1, 3, 2, 5, 4, 5]))
    let result = CrossEntropy().evaluate(logits, labels: [1, 2], globalCount: 2)
    #expect(result.predictions == [1, 0] && result.correct == 1)
  }
}
