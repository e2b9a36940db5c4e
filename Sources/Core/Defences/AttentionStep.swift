import Distributed
import Foundation

/// An attention map that is compared: the output of a block.
package struct AttentionTap {
  /// The block's number.
  package var block: Int
  /// The weight of the maps' distance in the loss.
  package var weight: Double
}

/// A step along the cross-entropy and the distances of attention maps from a teacher's.
///
/// The map of z [N, H, W, C] is A = Σ over c of |z|^p, over (‖A‖ + 1e-6) with the norm of each image;
/// the distance is the mean squared difference over all images and pixels. The teacher evaluates,
/// the student's one forward learns.
package final class AttentionStep: TrainingStep {
  package let classifier: Network
  package let communicator: any Communicator
  package let context: ComputeContext
  package let timer = StepTimer()
  private let teacher: Network
  private let taps: [AttentionTap]
  private let power: Double
  private let repeats: [(prefix: String, count: Int)]
  private let optimizer: any Optimizer
  private let student: SharedPasses
  private let teaching: SharedPasses

  /// The last step's distances on this rank, without their weights, in the order of the taps.
  package private(set) var distances: [Double] = []

  /// A step of `network` by `optimizer`; `repeats` says how often a batch moves running statistics
  /// whose names begin so, where that is not once.
  package init(
    _ network: Network, teacher: Network, taps: [AttentionTap], power: Double,
    repeats: [(prefix: String, count: Int)] = [], optimizer: any Optimizer,
    communicator: any Communicator, context: ComputeContext
  ) {
    (classifier, self.teacher, self.taps, self.power) = (network, teacher, taps, power)
    (self.repeats, self.optimizer) = (repeats, optimizer)
    (self.communicator, self.context) = (communicator, context)
    student = SharedPasses(network, communicator: communicator, context: context)
    teaching = SharedPasses(teacher, communicator: communicator, context: context)
  }

  private var store: ParameterStore { classifier.store }

  package var learners: [Learner] {
    [Learner("classifier", store: store, optimizer: optimizer)]
  }

  package func run(_ batch: Batch, at moment: Moment) throws -> StepOutcome {
    try timer.measureStep {
      let outcome = try computeGradients(batch, at: moment)
      timer.measure(.update) {
        optimizer.step(store, learningRate: moment.learningRate, context: context)
      }
      return outcome
    }
  }

  /// The gradients of the loss, summed over the ranks.
  package func computeGradients(_ batch: Batch, at moment: Moment) throws -> StepOutcome {
    student.clearGradients()
    var (outcome, gradient) = try timer.measure(.forward) {
      _ = try teaching.forward(batch, mode: .evaluating, at: moment)
      let before = store.buffers.array
      let logits = try student.forward(batch, at: moment)
      repeatStatistics(before)
      let gradient = Tensor(logits.shape)
      let result = CrossEntropy().evaluate(
        logits, labels: batch.labels, globalCount: batch.globalCount, gradient: gradient)
      return (StepOutcome(result, batch: batch), gradient)
    }
    var entering: [Int: Tensor] = [:]
    distances = []
    for tap in taps {
      let comparison = Attention.compare(
        classifier.output(ofBlock: tap.block), with: teacher.output(ofBlock: tap.block),
        power: power, weight: tap.weight, globalCount: batch.globalCount)
      entering[tap.block] = comparison.gradient
      distances.append(comparison.distance)
    }
    try timer.measure(.backward) {
      try student.backward(gradient, of: batch, entering: entering, at: moment)
    }
    try timer.measure(.wait) {
      try student.sumGradients()
      var penalty = [zip(distances, taps).reduce(0) { $0 + $1.0 * $1.1.weight }]
      try communicator.allReduceSum(&penalty)
      outcome.penalty = penalty[0]
    }
    return outcome
  }

  /// Moves running statistics again, by the same batch's: new = 0.9 old + 0.1 batch.
  private func repeatStatistics(_ before: [Float]) {
    for slot in store.plan.state {
      guard let count = repeats.first(where: { slot.name.hasPrefix($0.prefix) })?.count else {
        continue
      }
      switch slot {
      case .parameter: break
      case .counter(_, let index): store.batchesTracked[index] += Int64(count - 1)
      case .buffer(let buffer):
        let kept = Foundation.pow(1 - BatchNorm2D.usualMomentum, Double(count))
        for place in buffer.offset..<buffer.offset + buffer.count {
          let (old, new) = (Double(before[place]), Double(store.buffers.pointer[place]))
          let seen = (new - (1 - BatchNorm2D.usualMomentum) * old) / BatchNorm2D.usualMomentum
          store.buffers.pointer[place] = Float(kept * old + (1 - kept) * seen)
        }
      }
    }
  }
}

/// Attention maps and their distances.
package enum Attention {
  private static let epsilon = 1e-6

  /// The distance of the map of `z` from that of `other`, this rank's part of the mean over
  /// `globalCount` images, and `weight` times its gradient by `z`.
  package static func compare(
    _ z: Tensor, with other: Tensor, power: Double, weight: Double, globalCount: Int
  ) -> (distance: Double, gradient: Tensor) {
    precondition(z.shape == other.shape, "maps of \(z.shape) and \(other.shape)")
    let gradient = Tensor(z.shape)
    let (pixels, channels) = (z.shape.height * z.shape.width, z.shape.channels)
    let total = Double(globalCount * pixels)
    var distance = 0.0
    for image in 0..<z.shape.batch {
      let mine = map(z, image: image, power: power)
      let theirs = map(other, image: image, power: power)
      let norm = mine.norm + epsilon
      let differences = zip(mine.values, theirs.values)
        .map { $0 / norm - $1 / (theirs.norm + epsilon) }
      distance += differences.reduce(0) { $0 + $1 * $1 } / total
      // By A: g over the norm, less what the norm takes away.
      let inner = zip(differences, mine.values).reduce(0) { $0 + $1.0 * $1.1 }
      let taken = mine.norm > 0 ? inner / (mine.norm * norm * norm) : 0
      for pixel in 0..<pixels {
        let slope =
          2 * weight / total * (differences[pixel] / norm - taken * mine.values[pixel])
        let start = (image * pixels + pixel) * channels
        for place in start..<start + channels {
          let value = Double(z.pointer[place])
          let derivative =
            power == 2 ? 2 * value : power * Foundation.pow(abs(value), power - 1) * sign(value)
          gradient.pointer[place] = Float(slope * derivative)
        }
      }
    }
    return (distance, gradient)
  }

  private static func sign(_ value: Double) -> Double { value > 0 ? 1 : value < 0 ? -1 : 0 }

  /// Σ over channels of |z|^p for each pixel of an image, and its norm.
  private static func map(
    _ z: Tensor, image: Int, power: Double
  ) -> (values: [Double], norm: Double) {
    let (pixels, channels) = (z.shape.height * z.shape.width, z.shape.channels)
    let values = (0..<pixels).map { pixel in
      let start = (image * pixels + pixel) * channels
      return (start..<start + channels).reduce(0.0) {
        let value = Double(z.pointer[$1])
        return $0 + (power == 2 ? value * value : Foundation.pow(abs(value), power))
      }
    }
    return (values, values.reduce(0) { $0 + $1 * $1 }.squareRoot())
  }
}
