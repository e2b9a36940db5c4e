// What a tuning or a defence computes, for an estimate of its time before one has run.

extension SweepMethod {
  /// About how many images' training steps it is worth, with `count` images in the training set.
  ///
  /// A forward pass is a third of a step, and so is a backward pass to the images alone.
  func trainingImages(of count: Int, classCount: Int) -> Double {
    let images = Double(count) * shared.splitRatio
    switch self {
    case .tuning(let tuning):
      // Four fifths of the images for each of the weights that are tried.
      let trials = tuning.choosesAlpha ? 0.8 * Double(AlphaChoice.candidates.count) : 0
      return images * Double(tuning.epochs) * (1 + trials)
    case .defence(let defence):
      return defence.steps(
        images: images, training: images * Double(shared.epochs), classCount: Double(classCount))
    }
  }
}

extension DefendConfiguration {
  /// The same of a defence with so many clean `images`, where plain `training` takes so many.
  fileprivate func steps(images: Double, training: Double, classCount: Double) -> Double {
    func reversal(_ settings: ReversalSettings) -> Double {
      classCount * Double(settings.epochs) * images * 2 / 3
    }
    switch chosen {
    case is ChannelLipschitzPruning: return 0
    case is SharpnessAwareTuning: return 2 * training
    case let anp as AdversarialNeuronPruning:
      return Double(anp.iterations * shared.batchSize) * 2 / 3 * Double(2 + anp.moves)
    case let nad as AttentionDistillation: return Double(nad.epochs) * images * 7 / 3
    case let rnp as ReconstructiveNeuronPruning:
      return images * (Double(rnp.unlearningEpochs) + Double(rnp.recoveringEpochs) * 2 / 3)
    case let sau as SharedAdversarialUnlearning: return Double(sau.rounds) * images * 10
    case let bau as ImplicitUnlearning:
      let implicit = bau.isFirstOrder ? 0 : 2 / 3 * Double(bau.products) + 2
      return Double(bau.rounds) * images * (10 / 3 + implicit)
    case let cleanse as NeuralCleanse: return reversal(cleanse.reversal) + training
    case let pam as PathAwareMinimization:
      return reversal(pam.reversal) + Double(pam.epochs) * images
    case is ExactPurification: return 2 * training
    case is QueryReactivation: return training * 5 / 3
    default: return training
    }
  }
}
