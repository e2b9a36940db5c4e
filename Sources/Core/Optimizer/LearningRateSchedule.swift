import Foundation

/// A learning rate that holds from an epoch on.
public struct RateLevel: Equatable, Sendable {
  /// The first epoch.
  public var epoch: Int
  /// The rate.
  public var rate: Double

  /// `rate` from `epoch` on.
  public init(from epoch: Int, _ rate: Double) { (self.epoch, self.rate) = (epoch, rate) }
}

/// The learning rate of each step, as PyTorch's schedulers give it.
///
/// Cosine, multi-step, constant and plateau change once an epoch, the one-cycle schedule every step.
public enum LearningRateSchedule: Equatable, Sendable {
  /// `base` throughout.
  case constant(base: Double)
  /// base (1 + cos(π epoch / period)) / 2: `CosineAnnealingLR` with T_max = period, eta_min = 0.
  case cosine(base: Double, period: Int)
  /// base gamma^(milestones at or before the epoch): `MultiStepLR`.
  case multiStep(base: Double, milestones: [Int], gamma: Double)
  /// `OneCycleLR` with cosine annealing: peak / 25 up to peak within the first `warmUp` share of
  /// all steps, then down to peak / 25 / 10,000.
  case oneCycle(peak: Double, warmUp: Double)
  /// One schedule for so many epochs, then another that begins with its first.
  indirect case sequence(Self, epochs: Int, Self)
  /// base (1 + cos(π step / period)) / 2, steps counted over all epochs: a cosine of steps, which
  /// rises again after `period` of them.
  case cosineOfSteps(base: Double, period: Int)
  /// The rate of the last level that begins at the epoch or before; the first begins at 0.
  case levels([RateLevel])
  /// base factor^n, n the times that the training loss has not fallen for eleven epochs:
  /// `ReduceLROnPlateau` with its defaults.
  case plateau(base: Double, factor: Double)

  /// The learning rate of step `step` of epoch `epoch`, both counted from 0; `losses` are the mean
  /// training losses of the epochs before it, which a plateau alone looks at.
  public func rate(
    epoch: Int, step: Int, stepsPerEpoch: Int, epochs: Int, losses: [Double] = []
  ) -> Double {
    switch self {
    case .constant(let base):
      return base
    case .cosine(let base, let period):
      return base * (1 + Foundation.cos(Double.pi * Double(epoch) / Double(period))) / 2
    case .multiStep(let base, let milestones, let gamma):
      return base * Foundation.pow(gamma, Double(milestones.filter { $0 <= epoch }.count))
    case .sequence(let first, let count, let second):
      return epoch < count
        ? first.rate(epoch: epoch, step: step, stepsPerEpoch: stepsPerEpoch, epochs: count)
        : second.rate(
          epoch: epoch - count, step: step, stepsPerEpoch: stepsPerEpoch, epochs: epochs - count,
          losses: Array(losses.dropFirst(count)))
    case .oneCycle(let peak, let warmUp):
      return Self.oneCycle(
        peak: peak, warmUp: warmUp, step: epoch * stepsPerEpoch + step,
        total: epochs * stepsPerEpoch)
    case .cosineOfSteps(let base, let period):
      let steps = Double(epoch * stepsPerEpoch + step)
      return base * (1 + Foundation.cos(Double.pi * steps / Double(period))) / 2
    case .levels(let levels):
      return levels.last { $0.epoch <= epoch }?.rate ?? 0
    case .plateau(let base, let factor):
      return Self.plateau(base: base, factor: factor, losses: losses)
    }
  }

  /// Whether it looks at the losses.
  var followsLosses: Bool {
    switch self {
    case .plateau: true
    case .sequence(let first, _, let second): first.followsLosses || second.followsLosses
    default: false
    }
  }

  /// PyTorch's defaults: an epoch is better whose loss is below the best by a share of 1e-4; the
  /// eleventh in a row that is not lowers the rate, unless by less than 1e-8.
  private static func plateau(base: Double, factor: Double, losses: [Double]) -> Double {
    let (patience, threshold, least) = (10, 1e-4, 1e-8)
    var (rate, best, idle) = (base, Double.infinity, 0)
    for loss in losses {
      if loss < best * (1 - threshold) {
        (best, idle) = (loss, 0)
      } else {
        idle += 1
      }
      if idle > patience {
        if rate - rate * factor > least { rate *= factor }
        idle = 0
      }
    }
    return rate
  }

  private static func oneCycle(peak: Double, warmUp: Double, step: Int, total: Int) -> Double {
    let (start, end) = (peak / 25, peak / 25 / 10_000)
    let top = warmUp * Double(total) - 1
    let position = Double(step)
    if position <= top { return anneal(from: start, to: peak, share: position / max(top, 1e-12)) }
    let descent = max(Double(total - 1) - top, 1e-12)
    return anneal(from: peak, to: end, share: (position - top) / descent)
  }

  private static func anneal(from start: Double, to end: Double, share: Double) -> Double {
    end + (start - end) / 2 * (1 + Foundation.cos(Double.pi * share))
  }
}
