import Distributed

/// The choice of α, the weight of the feature-shift penalty, by clean images alone: `--alpha auto`.
///
/// A larger α pushes the new head further from the old one, until the classes themselves suffer. So
/// each of a few is tried on four fifths of the tuning images, and the largest is taken whose model
/// is right on the last fifth nearly as often as the best of them: the difference is at most a given
/// share of these images. Nobody looks at triggered images.
package enum AlphaChoice {
  /// What is tried.
  package static let candidates = [0.001, 0.01, 0.1, 0.2, 0.5]
  /// Held-out images below which their accuracies differ by chance more than by α.
  static let fewImages = 50

  /// The position of the α to take, given how many of `total` images each has right.
  ///
  /// It is the last, the smallest α being the first, that has at most the share `largestLoss` of them
  /// wrong which the best has right; the first where none has any right.
  package static func position(of correct: [Int], among total: Int, largestLoss: Double) -> Int {
    let best = correct.max() ?? 0
    guard best > 0 else { return 0 }
    return correct.lastIndex { Double(best - $0) <= largestLoss * Double(total) } ?? 0
  }

  /// Positions of `count` images to tune on and to hold out: every fifth, whatever their order is.
  package static func split(_ count: Int) -> (own: [Int], heldOut: [Int]) {
    let all = Array(0..<count)
    return (all.filter { $0 % 5 != 4 }, all.filter { $0 % 5 == 4 })
  }
}

extension FineTuning {
  /// Takes over the α that it chooses, where the settings say so; false, on all ranks, where a signal
  /// has stopped the trials.
  mutating func chosenAlpha(
    _ subject: TuningSubject, _ tuning: LabeledImages, context: ComputeContext,
    _ outcome: inout TuneOutcome
  ) throws -> Bool {
    guard TuningRecipe(configuration.mode).shiftsFeatures, configuration.labelSmoothing == nil
    else { return true }
    defer { outcome.alpha = configuration.alpha }
    guard configuration.choosesAlpha else { return true }
    let (own, heldOut) = AlphaChoice.split(tuning.count)
    guard !heldOut.isEmpty else { throw TooFewToHoldOut(key: "alpha auto", found: tuning.count) }
    var correct: [Int] = []
    for alpha in AlphaChoice.candidates {
      var trial = self
      trial.configuration.alpha = alpha
      trial.configuration.timelinePath = nil
      let model = subject.attacked.copy().model
      if let stopped = try trial.train(model, on: tuning.selecting(own), context: context) {
        (outcome.stopped, outcome.isResumable) = (stopped, configuration.save)
        return false
      }
      correct.append(
        try trial.correct(of: model, on: tuning.selecting(heldOut), context: context))
    }
    let loss = configuration.largestAlphaLoss
    let position = AlphaChoice.position(of: correct, among: heldOut.count, largestLoss: loss)
    configuration.alpha = AlphaChoice.candidates[position]
    tell(correct, of: heldOut.count, loss: loss)
    return true
  }

  /// Says what was tried, and what the choice is worth.
  private func tell(_ correct: [Int], of total: Int, loss: Double) {
    let figures = zip(AlphaChoice.candidates, correct).map {
      "\($0) \(BackdoorMetrics.figure(Double($1) / Double(total)))"
    }
    stage.tell(
      .message(
        "alpha \(configuration.alpha): the largest that costs \(total) held-out clean images at most "
          + "\(loss) of accuracy against the best (\(figures.joined(separator: ", ")))"))
    if total < AlphaChoice.fewImages {
      stage.tell(
        .warning(
          "alpha auto chose by \(total) held-out images, whose accuracies differ by chance; a larger "
            + "split_ratio, or a number for alpha, is better founded"))
    }
  }

  /// Tunes `model` without saving anything; where a signal has stopped it.
  private func train(
    _ model: Network, on images: LabeledImages, context: ComputeContext
  ) throws -> TrainingPosition? {
    let run = try TrainingRun(
      makeStep(model, imageCount: images.count, context: context), on: loader(images),
      configuration,
      TrainingRun.Plan(
        phase: "try alpha \(configuration.alpha)", identity: RunIdentity(settings: []),
        estimate: EndEstimate(evaluatedImages: 0)),
      stage: stage)
    return try run.train(from: TrainingPosition()) { _ in }
  }

  /// How many of `images` the tuned `model` classifies rightly.
  private func correct(
    of model: Network, on images: LabeledImages, context: ComputeContext
  ) throws -> Int {
    let result = try Evaluator(
      model: model, batchSize: batchSize, normalization: normalization,
      communicator: communicator, context: context, observer: stage.observer,
      name: "the model tuned with alpha \(configuration.alpha)"
    ).run(images, originalLabels: images.labels)
    return Int(result.matches)
  }
}

extension ConfigField where Target == TuneConfiguration {
  /// A number, or `auto`, by which the run chooses it.
  static var alpha: Self {
    Self(
      key: "alpha", expected: "a number, or auto",
      assign: { value, target in
        if value.nonEmptyText == "auto" {
          target.choosesAlpha = true
          return true
        }
        guard let number = value.number(.finite) else { return false }
        (target.alpha, target.choosesAlpha) = (number, false)
        return true
      }, value: { $0.choosesAlpha ? .text("auto") : .real($0.alpha) }
    ).form(.typed)
  }
}
