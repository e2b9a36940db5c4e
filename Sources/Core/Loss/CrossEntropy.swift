import Foundation

/// Cross-entropy of logits against labels, with optional label smoothing (PyTorch
/// `CrossEntropyLoss`).
///
/// loss = -Σ_k q_k log softmax(logits)_k, q = (1 - s) onehot(label) + s / classes, averaged over
/// the global batch. Shapes: logits, gradient [N, 1, 1, classes]; labels [N].
public struct CrossEntropy: Sendable {
  /// s, the share of the target that is spread over all classes.
  public var labelSmoothing: Double

  /// A loss with `labelSmoothing` s in 0...1.
  public init(labelSmoothing: Double = 0) { self.labelSmoothing = labelSmoothing }

  /// The loss that the originals' `--lb_smooth` means: 1 - `smoothing` on the label, the rest
  /// spread over the *other* classes alone, which is PyTorch's smoothing with s = smoothing classes
  /// / (classes - 1).
  public static func smoothingOtherClasses(_ smoothing: Double, classCount: Int) -> CrossEntropy {
    CrossEntropy(labelSmoothing: smoothing * Double(classCount) / Double(max(classCount - 1, 1)))
  }

  /// What a batch's logits amount to on this rank.
  public struct Result: Sendable {
    /// The sum of the images' losses (not their mean).
    public var lossSum = 0.0
    /// The loss of each image: [N].
    public var losses: [Double] = []
    /// The images whose largest logit is their label's.
    public var correct: Int64 = 0
    /// The class with the largest logit (the first of equal ones), for each image: [N].
    public var predictions: [Int32] = []
    /// The images with a logit that is no finite number, whose prediction means nothing.
    public var nonFinite: Int64 = 0

    /// Joins what other images, which follow these, amount to.
    mutating func add(_ other: Result) {
      lossSum += other.lossSum
      losses += other.losses
      correct += other.correct
      predictions += other.predictions
      nonFinite += other.nonFinite
    }
  }

  /// The loss's sum and the predictions; the gradient of the mean over `globalCount` images is
  /// written to `gradient` where given.
  public func evaluate(
    _ logits: Tensor, labels: [Int32], globalCount: Int, gradient: Tensor? = nil
  ) -> Result {
    precondition(logits.shape.batch == labels.count, "\(labels.count) labels for \(logits.shape)")
    var result = Result()
    result.predictions.reserveCapacity(labels.count)
    result.losses.reserveCapacity(labels.count)
    let classes = logits.shape.channels
    var logSoftmax = [Double](repeating: 0, count: classes)
    for (row, label) in labels.enumerated() {
      let values = logits.pointer + row * classes
      let best = Self.logSoftmax(values, into: &logSoftmax)
      result.predictions.append(Int32(best))
      result.correct += best == Int(label) ? 1 : 0
      result.nonFinite += Self.isFinite(values, count: classes) ? 0 : 1
      let uniform = labelSmoothing / Double(classes)
      var loss = 0.0
      for k in 0..<classes {
        let target = uniform + (k == Int(label) ? 1 - labelSmoothing : 0)
        if target > 0 { loss -= target * logSoftmax[k] }
        if let gradient {
          gradient.pointer[row * classes + k] = Float(
            (Foundation.exp(logSoftmax[k]) - target) / Double(globalCount))
        }
      }
      result.losses.append(loss)
      result.lossSum += loss
    }
    return result
  }

  private static func isFinite(_ values: UnsafeMutablePointer<Float>, count: Int) -> Bool {
    for k in 0..<count where !values[k].isFinite { return false }
    return true
  }

  /// Writes log softmax of `values` and returns the position of the largest one.
  private static func logSoftmax(
    _ values: UnsafeMutablePointer<Float>, into result: inout [Double]
  ) -> Int {
    var best = 0
    for k in result.indices where values[k] > values[best] { best = k }
    let largest = Double(values[best])
    var sum = 0.0
    for k in result.indices { sum += Foundation.exp(Double(values[k]) - largest) }
    let logSum = largest + Foundation.log(sum)
    for k in result.indices { result[k] = Double(values[k]) - logSum }
    return best
  }
}
