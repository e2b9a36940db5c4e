import Distributed

/// The pictures that inputaware's networks make of test and training images.
struct PatternPictures {
  private let step: InputAwareStep
  private let stage: AttackStage
  private let poison: LoopPoison
  private let shared: SharedPictures

  /// Pictures by the networks of `step`, which is inputaware's.
  init(_ step: any TrainingStep, stage: AttackStage, poison: LoopPoison, rule: PixelRule) {
    guard let step = step as? InputAwareStep else {
      preconditionFailure("a step of another attack")
    }
    (self.step, self.stage, self.poison) = (step, stage, poison)
    shared = SharedPictures(stage: stage.stage, pixels: rule)
  }

  /// What the order of partners is keyed by.
  static func pairingSeed(_ seed: UInt64) -> UInt64 {
    var stream = RandomStream(seed: seed, purpose: .pairing)
    return stream.next()
  }

  /// The test images as the networks poison them now; none before they have learned.
  func renewal(_ data: AttackData) throws -> Renewal {
    let networks = step.networks
    let (generator, mask) = (networks.generator.store.stateDict(), networks.mask.store.stateDict())
    var renewal = Renewal(
      triggeredTest: data.triggeredTest, crossTest: data.triggeredTest,
      artefacts: [
        Artefact(InputAware.fileName) { path in
          try SideFile.write([("netG", generator.archived), ("netM", mask.archived)], to: path)
        }
      ])
    guard step.hasPatterns else { return renewal }
    let test = data.cleanTest
    let tested = test.labels.indices.filter { poison.labels.isTested(test.labels[$0]) }
    var images = test.selecting(tested)
    images = try shared.changing(images, at: Array(0..<images.count)) { _, images in
      networks.poison(images, partners: images)
    }
    images.labels = images.labels.map { poison.labels($0) }
    renewal.triggeredTest = PoisonedDataset(
      images: images, originalLabels: tested.map { test.labels[$0] },
      isPoisoned: [Bool](repeating: true, count: tested.count), originalIndices: tested)
    let partners = Permutation.of(
      count: test.count, seed: Self.pairingSeed(poison.seed), epoch: LoopPoison.afterTraining)
    let cross = try shared.changing(test, at: Array(0..<test.count)) { places, images in
      networks.poison(
        images, partners: test.normalized(places.map { partners[$0] }, by: shared.pixels))
    }
    renewal.crossTest = PoisonedDataset(
      images: cross, originalLabels: test.labels,
      isPoisoned: [Bool](repeating: true, count: test.count),
      originalIndices: Array(0..<test.count))
    return renewal
  }

  /// The training images as the original saves them: a pass in the dataset's order after training.
  func training(_ train: PoisonedDataset) throws -> PoisonedDataset {
    let size = stage.configuration.globalBatchSize(worldSize: stage.communicator.worldSize)
    var roles: [(index: Int, role: ImageRole)] = []
    var saved = poison.saved(train, batches: size) { images, step in
      let count = poison.count(of: images, epoch: LoopPoison.afterTraining, step: step)
      return BatchParts(triggered: count, cross: min(count, images - count))
    } change: { image, _ in
      roles.append((image.index, image.role))
    }
    let partners = Permutation.of(
      count: train.images.count, seed: Self.pairingSeed(poison.seed),
      epoch: LoopPoison.afterTraining)
    let pixels = try shared.changing(train.images, at: roles.map(\.index)) { places, images in
      let asked = places.map { place in
        roles[place].role == .triggered ? roles[place].index : partners[roles[place].index]
      }
      step.networks.poison(images, partners: train.images.normalized(asked, by: shared.pixels))
    }.pixels
    var images = saved.images
    images.pixels = pixels
    saved = PoisonedDataset(
      images: images, originalLabels: saved.originalLabels, isPoisoned: saved.isPoisoned,
      originalIndices: saved.originalIndices)
    return saved
  }
}
