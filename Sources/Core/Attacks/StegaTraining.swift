import Distributed

/// How the encoder of ssba is trained.
package struct StegaSettings: Equatable, Sendable {
  /// The bits of the string.
  package var bits = 1
  /// Steps at most, and the images of each over all ranks.
  package var steps = 300, batchSize = 16
  /// Adam's learning rate.
  package var learningRate = 1e-3
  /// What the images' squared error counts once it counts in full.
  package var imageWeight = 10.0
  /// Steps from the first batch with nine in ten bits right until the error begins to count, and from
  /// there until it counts in full.
  package var wait = 20, ramp = 100
  /// Whether the encoder yields what is added to the image, rather than the image itself.
  package var addsResidual = true

  /// The defaults, with which the encoder of one bit takes about a minute.
  package init() {}
}

/// Trains the encoder and the decoder of ssba together, data-parallel, one batch after the other.
///
/// loss = w MSE(E(x, bits), x) + BCE(D(E(x, bits)), bits). The images begin to count once the bits
/// can be read: w is 0 until nine in ten of a batch's bits are right, and rises from then on. Sums are
/// the same for any number of ranks.
package final class StegaTraining {
  /// The encoder.
  package let encoder: StegaEncoder
  /// The decoder.
  package let decoder: StegaDecoder
  private let settings: StegaSettings
  private let adams: (decoder: Adam, encoder: Adam)
  private let communicator: any Communicator
  private let context: ComputeContext
  /// Steps since the bits could first be read; -1 before.
  private var stepsRead = -1

  /// What a step comes to over all ranks, before it moves anything.
  package struct Outcome {
    /// The whole loss.
    package var loss: Double
    /// The images' mean squared error.
    package var squaredError: Double
    /// The share of bits that are read right, 0...1.
    package var bitAccuracy: Double
  }

  /// A training of `encoder` and `decoder` on all ranks.
  package init(
    encoder: StegaEncoder, decoder: StegaDecoder, settings: StegaSettings,
    communicator: any Communicator, context: ComputeContext
  ) {
    (self.encoder, self.decoder, self.settings) = (encoder, decoder, settings)
    (self.communicator, self.context) = (communicator, context)
    adams = (Adam(for: decoder.store), Adam(for: encoder.store))
  }

  /// What the images' error counts now.
  package var imageWeight: Double {
    let share = Double(stepsRead - settings.wait) / Double(settings.ramp)
    return min(max(0, settings.imageWeight * share), settings.imageWeight)
  }

  /// Whether the images count in full.
  package var isRampedUp: Bool { imageWeight >= settings.imageWeight }

  /// Moves both once along this rank's share of a batch of `globalCount` images, which begins at
  /// `start` of it.
  package func step(
    _ fingerprints: Tensor, _ images: Tensor, globalCount: Int, start: Int = 0
  ) throws -> Outcome {
    let shards = PassHooks.shards(
      in: start..<start + images.shape.batch, of: globalCount)
    for store in [decoder.store, encoder.store] { store.clearGradients(wide: true) }
    var sums = [0.0, 0.0, 0.0]
    if images.shape.batch > 0 {
      sums = addGradients(fingerprints, images, globalCount: globalCount, shards: shards)
    }
    try communicator.allReduceSum(&sums)
    let weight = imageWeight
    for (store, adam) in [(decoder.store, adams.decoder), (encoder.store, adams.encoder)] {
      try store.reduceWideGradients { try communicator.allReduceSum(&$0) }
      adam.step(store, learningRate: settings.learningRate, context: context)
    }
    let values = Double(globalCount * images.shape.withBatch(1).count)
    let bits = Double(globalCount * fingerprints.shape.channels)
    let outcome = Outcome(
      loss: weight * sums[0] / values + sums[1] / bits, squaredError: sums[0] / values,
      bitAccuracy: sums[2] / bits)
    if stepsRead >= 0 || outcome.bitAccuracy > 0.9 { stepsRead += 1 }
    return outcome
  }

  /// Sums of squared errors, of the bits' losses and of the bits that are right.
  private func addGradients(
    _ fingerprints: Tensor, _ images: Tensor, globalCount: Int, shards: [Range<Int>]
  ) -> [Double] {
    let encoded = encoder.forward(fingerprints, images, context: context)
    let logits = decoder.forward(encoded, context: context)
    var sums = [0.0, 0.0, 0.0]
    let logitsGradient = Tensor(logits.shape)
    let bitCount = Float(globalCount * logits.shape.channels)
    for place in 0..<logits.shape.count {
      let isSet = fingerprints.pointer[place] > 0.5
      let result = BinaryCrossEntropy.ofLogit(logits.pointer[place], isSet)
      sums[1] += result.loss
      sums[2] += (logits.pointer[place] > 0) == isSet ? 1 : 0
      logitsGradient.pointer[place] = result.slope / bitCount
    }
    let gradient = decoder.backward(logitsGradient, shards: shards, context: context)
    let factor = Float(2 * imageWeight / Double(globalCount * images.shape.withBatch(1).count))
    for place in 0..<images.shape.count {
      let error = encoded.pointer[place] - images.pointer[place]
      sums[0] += Double(error) * Double(error)
      gradient.pointer[place] += factor * error
    }
    encoder.backward(gradient, shards: shards, context: context)
    return sums
  }
}
