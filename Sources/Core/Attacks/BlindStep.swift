import Distributed
import Foundation

/// blind's step: the normal loss, and that of triggered copies once the former has been low.
///
/// It remembers the normal losses of the last batches, as a learner that nothing moves, so that
/// checkpoints hold them.
package final class BlindStep: SurroundingStep {
  /// The batches whose losses are remembered.
  package static let memory = 1000

  package let base: ClassifierStep
  private let settings: Blind
  private let labels: LabelTransform
  private let rule: PixelRule
  private let isPoisoned: Bool
  private let history: Learner
  private let losses, count: ParameterSlot

  /// A step of `base`'s classifier; where it is not poisoned, a normal one.
  package init(
    _ base: ClassifierStep, settings: Blind, labels: LabelTransform, rule: PixelRule,
    isPoisoned: Bool
  ) {
    (self.base, self.settings, self.labels) = (base, settings, labels)
    (self.rule, self.isPoisoned) = (rule, isPoisoned)
    var plan = ParameterLayoutPlan()
    losses = plan.parameter("losses", shape: [Self.memory], role: .bias(fanIn: 1))
    count = plan.parameter("count", shape: [1], role: .bias(fanIn: 1))
    history = Learner("loss history", store: ParameterStore(plan), optimizer: Resting())
  }

  package var learners: [Learner] { base.learners + [history] }

  package func run(_ batch: Batch, at moment: Moment) throws -> StepOutcome {
    guard isPoisoned, isLow else {
      let outcome = try base.run(batch, at: moment)
      try remember(outcome.crossEntropy, of: batch)
      return outcome
    }
    let backdoor = triggered(batch)
    var results: [CrossEntropy.Result]
    var scales = (backdoor: settings.backdoorWeight, normal: settings.normalWeight)
    switch settings.balance {
    case .fixed:
      results = try run(backdoor, batch, weights: [scales.backdoor, scales.normal], at: moment)
    case .mgda:
      (results, scales) = try timer.measureStep { try balance(backdoor, batch, at: moment) }
    }
    try remember(results[1], of: batch)
    results[1].lossSum = scales.backdoor * results[0].lossSum + scales.normal * results[1].lossSum
    return StepOutcome(results[1], batch: batch)
  }

  /// Moves along the weighted sum of both losses; what each came to.
  private func run(
    _ backdoor: Batch, _ normal: Batch, weights: [Double], at moment: Moment
  ) throws -> [CrossEntropy.Result] {
    guard settings.joinsBatches else {
      return try base.run(
        zip([backdoor, normal], weights).map { ClassifierPass($0, weight: $1) }, at: moment)
    }
    let pass = ClassifierPass(interlacing: [backdoor, normal], weights: weights)
    return pass.separate(try base.run([pass], at: moment)[0])
  }

  /// The gradients of one of two losses; what it came to.
  private func gradients(
    _ backdoor: Batch, _ normal: Batch, ofNormal isNormal: Bool, at moment: Moment
  ) throws -> CrossEntropy.Result {
    guard settings.joinsBatches else {
      return try base.gradients(of: ClassifierPass(isNormal ? normal : backdoor), at: moment)
    }
    let pass = ClassifierPass(
      interlacing: [backdoor, normal], weights: isNormal ? [0, 1] : [1, 0])
    return pass.separate(try base.gradients(of: pass, at: moment))[isNormal ? 1 : 0]
  }

  /// `batch`'s images with the trigger, and their labels as it changes them.
  private func triggered(_ batch: Batch) -> Batch {
    let copies = FloatBuffer(count: batch.images.count)
    copies.pointer.update(from: batch.images.pointer, count: batch.images.count)
    let shape = classifier.inputShape.withBatch(1)
    let trigger = BlindTrigger()
    for image in 0..<batch.count {
      trigger.apply(to: copies.pointer + image * shape.count, shape, by: rule)
    }
    return batch.relabelled(
      batch.labels.map { Int32(labels(Int($0))) },
      roles: Array(repeating: .triggered, count: batch.count), images: copies)
  }
}

// MARK: The losses so far

extension BlindStep {
  private var known: Int { Int(history.store.value(count)[0]) }

  /// Whether enough normal losses are known, and their mean is low.
  private var isLow: Bool {
    guard known >= settings.historyLength else { return false }
    let values = history.store.value(losses)
    let sum = (0..<known).reduce(0.0) { $0 + Double(values[$1]) }
    return known > 0 && sum / Double(known) < settings.threshold
  }

  /// Remembers the normal loss of `batch`, over all ranks.
  private func remember(_ result: CrossEntropy.Result, of batch: Batch) throws {
    var sums = [result.lossSum]
    try timer.measure(.wait) { try communicator.allReduceSum(&sums) }
    let values = history.store.value(losses)
    var place = known
    if place == Self.memory {
      for index in 1..<Self.memory { values[index - 1] = values[index] }
      place -= 1
    }
    values[place] = Float(sums[0] / Double(batch.globalCount))
    history.store.value(count)[0] = Float(place + 1)
  }
}

// MARK: MGDA

extension BlindStep {
  /// Moves along both losses in the shares at which the sum of their gradients is shortest.
  private func balance(
    _ backdoor: Batch, _ normal: Batch, at moment: Moment
  ) throws -> ([CrossEntropy.Result], (backdoor: Double, normal: Double)) {
    let store = classifier.store
    let first = try gradients(backdoor, normal, ofNormal: false, at: moment)
    let one = store.gradients.array
    let second = try gradients(backdoor, normal, ofNormal: true, at: moment)
    let other = store.gradients
    var sums = [first.lossSum, second.lossSum]
    try communicator.allReduceSum(&sums)
    let means = sums.map { $0 / Double(normal.globalCount) }
    var (a, b, d) = (0.0, 0.0, 0.0)
    for index in one.indices {
      let (g, h) = (Double(one[index]), Double(other.pointer[index]))
      (a, b, d) = (a + g * g, b + g * h, d + h * h)
    }
    let scales = [
      divisor(norm: a.squareRoot(), loss: means[0]), divisor(norm: d.squareRoot(), loss: means[1]),
    ]
    let share = Self.share(
      a / (scales[0] * scales[0]), b / (scales[0] * scales[1]), d / (scales[1] * scales[1]))
    for index in one.indices {
      other.pointer[index] = Float(share) * one[index] + Float(1 - share) * other.pointer[index]
    }
    base.update(at: moment)
    return ([first, second], (share, 1 - share))
  }

  /// What a gradient of this norm, of a loss of this value, is divided by.
  private func divisor(norm: Double, loss: Double) -> Double {
    let size =
      switch settings.normalizing {
      case .l2: norm
      case .loss: min(loss, 10)
      case .lossTimesNorm: min(loss * norm, 10)
      case .none: 1.0
      }
    return size + 1e-5
  }

  /// The share of the first of two gradients with the products a = g g, b = g h, d = h h.
  package static func share(_ a: Double, _ b: Double, _ d: Double) -> Double {
    if b >= a { return 0.999 }
    if b >= d { return 0.001 }
    return (d - b) / (a + d - 2 * b)
  }
}
