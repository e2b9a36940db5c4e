/// Which of the triggers that a search passes is kept, what the mask's size counts next, and when it
/// ends: decided after each epoch.
///
/// Kept is the trigger of the smallest mask, as the epoch's steps saw it on average, among the epochs
/// in which it worked. After `patience` epochs in a row in which it did, its size counts more, after
/// as many in which it did not, less.
package struct ReversalSearch: Equatable, Sendable {
  private let settings: ReversalSettings
  /// What the mask's size counts.
  package private(set) var cost: Double
  /// The trigger that is kept; one that never worked is that of the first epoch.
  package private(set) var best: ReversedTrigger?
  /// The mean size of its mask over its epoch; infinite while none has worked.
  package private(set) var bestNorm = Double.infinity
  /// The epochs in a row without progress.
  package private(set) var idleEpochs = 0
  /// The epochs in a row in which the trigger worked, and in which it did not.
  package private(set) var workingEpochs = 0, failingEpochs = 0
  /// Whether the cost was ever raised, and lowered.
  package private(set) var hasRisen = false, hasFallen = false
  private var smallest = Double.infinity

  /// The start of a search.
  package init(_ settings: ReversalSettings) {
    self.settings = settings
    cost = settings.firstCost
  }

  /// Takes in an epoch that ended with `trigger`; true where the search is over.
  ///
  /// `success` in percent and `norm` are means over its batches, before each step.
  package mutating func end(
    epochWith trigger: ReversedTrigger, success: Double, norm: Double
  ) -> Bool {
    let works = success >= settings.successThreshold
    if works && norm < bestNorm {
      (best, bestNorm) = (trigger, norm)
      best?.works = true
    }
    let isOver = settings.stopsEarly && stops()
    if !isOver { changeCost(works) }
    if best == nil { best = trigger }
    return isOver
  }

  private mutating func stops() -> Bool {
    if bestNorm.isFinite {
      idleEpochs = bestNorm >= settings.stopThreshold * smallest ? idleEpochs + 1 : 0
    }
    smallest = min(smallest, bestNorm)
    return hasRisen && hasFallen && idleEpochs >= settings.stopPatience
  }

  private mutating func changeCost(_ works: Bool) {
    workingEpochs = works ? workingEpochs + 1 : 0
    failingEpochs = works ? 0 : failingEpochs + 1
    if workingEpochs >= settings.patience {
      (workingEpochs, hasRisen) = (0, true)
      cost *= settings.costFactor
    } else if failingEpochs >= settings.patience {
      (failingEpochs, hasFallen) = (0, true)
      cost /= settings.costFactor * settings.costFactor.squareRoot()
    }
  }
}
