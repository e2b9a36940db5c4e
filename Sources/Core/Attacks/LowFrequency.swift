import Distributed

/// lf: one smooth pattern added to every image (Zeng, Park, Mao and Jia, Rethinking the Backdoor
/// Attacks' Triggers: A Frequency Perspective, ICCV 2021).
package struct LowFrequency: CleanModelAttack {
  package static let name = "lf"
  package static let summary = "a smooth pattern that fools a clean model, added to the image"
  /// The name under which a run keeps its pattern.
  package static let fileName = "lf_pattern.npy"

  /// The pattern; nil makes one.
  package var patternPath: String?
  package var cleanModelPath: String?
  /// Images that the pattern is made from, and that it is judged by.
  package var imageCount = 100
  /// Times that all of them are gone through, at most.
  package var passes = 50
  /// The share of images whose class the pattern has to change.
  package var foolingRate = 0.2
  /// Whether the clean model sees images as it was trained to; the original shows it others.
  package var isNormalized = true

  package init() {}

  package static let triggerFields: [ConfigField<Self>] = [
    .text("lowFrequencyPatternPath", \.patternPath, "a file of numpy's format").role(.image)
      .help(
        """
        The pattern, an .npy of height x width x 3 grey levels to add (default: one is made; \
        evaluate: the run's own)
        """, "file.npy", in: .attack)
  ]

  package static let trainingFields: [ConfigField<Self>] = [
    // No part of what a run is: a resumed run has its pattern already.
    .text("pretrain_model_path", \.cleanModelPath, "the archive of a clean model").role(.output)
      .named("clean_model").help(
        """
        A clean model of the same classes: the attack_result.pt of a run with --pratio 0 (default: \
        one is trained first, with the same settings)
        """, "archive", in: .attack),
    .integer("lf_images", \.imageCount, 1...countLimit).help(
      "Training images that the pattern is made from, and test images that it is judged by", "n",
      in: .attack),
    .integer("lf_passes", \.passes, 1...countLimit).help(
      "Times that all of them are gone through, at most", "n", in: .attack),
    .number("lf_fooling_rate", \.foolingRate, .share).help(
      "The share of images whose class the pattern has to change", "share", in: .attack),
    .boolean("lf_normalized", \.isNormalized).help(
      """
      Show the clean model images scaled as it was trained; false shows it the bare 0 to 1, as the \
      original does (default: true)
      """, in: .attack),
  ]

  package func prepare(_ stage: AttackStage) throws -> Preparation {
    let isContinued = try stage.communicator.fromRankZero { stage.isContinued }
    let known = try known(
      in: isContinued ? stage.configuration.folder : nil, height: stage.height,
      width: stage.width, communicator: stage.communicator)
    let pattern = try known ?? make(from: stage.cleanModel(given: cleanModelPath), stage)
    return try stage.preparation(trigger: pattern, artefacts: [pattern.artefact])
  }

  /// The pattern that is given, else one made from the clean model that is, else the run's own.
  package func trigger(for place: TriggerPlace) throws -> any Trigger {
    if patternPath == nil, let archive = cleanModelPath, let stage = place.stage {
      return try make(from: archive, stage)
    }
    let known = try known(
      in: place.folder, height: place.height, width: place.width,
      communicator: place.communicator)
    guard let known else {
      throw SideFileError.absent(attack: Self.name, file: Self.fileName, folder: place.folder)
    }
    return known
  }

  /// The pattern that is given, else that of the run in `folder`; nil where there is none.
  private func known(
    in folder: String?, height: Int, width: Int, communicator: any Communicator
  ) throws -> PatternTrigger? {
    let values = try communicator.fromRankZero { () -> [Double] in
      guard let path = patternPath ?? SideFile.path(Self.fileName, in: folder) else { return [] }
      return try PatternTrigger(path, height: height, width: width).pattern
    }
    return values.isEmpty ? nil : PatternTrigger(values, height: height, width: width)
  }

  // MARK: Making it

  private func make(from archive: String, _ stage: AttackStage) throws -> PatternTrigger {
    var model = try stage.pixelModel(archive)
    if !isNormalized { model = model.withoutNormalization() }
    let configuration = stage.configuration
    let file = MaterialFile(
      "lf_pattern", ending: "npy", of: stage,
      madeFrom: [
        model.model.store.fingerprint, "\(stage.dataset.train.checksum)",
        "\(stage.dataset.test.checksum)", "\(model.normalization)",
        "\(configuration.attackTarget) \(configuration.randomSeed) \(imageCount) \(passes)",
        "\(foolingRate)",
      ])
    let shape = [stage.height, stage.width, 3]
    let bytes = try file.bytes(
      of: "lf's pattern", count: shape.reduce(1, *),
      read: { try NumpyFile.read($0).unsignedBytes ?? [] },
      make: { try search(against: model, archive, stage) },
      write: { try NumpyFile.write(NumpyArray(bytes: $0, shape: shape), to: $1) })
    return PatternTrigger(
      bytes.map { Double($0) }, height: stage.height, width: stage.width)
  }

  private static func progress(_ done: Int, of count: Int, pass: Int) -> WorkProgress {
    WorkProgress(
      name: "lf's pattern, pass \(pass + 1)", done: done, total: count, unit: "images")
  }

  /// The pattern's bytes on every rank; rank 0 searches, each image after the one before.
  private func search(
    against model: PixelModel, _ archive: String, _ stage: AttackStage
  ) throws -> [UInt8] {
    let (train, seed) = (stage.dataset.train, stage.configuration.randomSeed)
    let count = min(imageCount, train.count)
    var generator = RandomStream(seed: seed, purpose: .lowFrequency)
    let chosen = generator.choice(of: train.count, count: count)
    let judges = stage.dataset.test.firstOfEachClass(
      max(1, imageCount / train.classCount))
    var search = UniversalPattern(model, target: stage.configuration.attackTarget)
    var rates: [Double] = []
    for pass in 0..<passes {
      try stage.communicator.onRankZero {
        var order = RandomStream(seed: seed, purpose: .lowFrequency, epoch: pass + 1)
        for (number, place) in order.choice(of: count, count: count).enumerated() {
          if stage.stage.interruption.isRequested { break }
          _ = search.update(Tensor(train, at: [chosen[place]]))
          stage.stage.tell(.working(Self.progress(number + 1, of: count, pass: pass)))
        }
      }
      try stage.checkInterruption()
      let rate = try stage.communicator.fromRankZero {
        search.foolingRate(Tensor(stage.dataset.test, at: judges))
      }
      rates.append(rate)
      stage.stage.tell(
        .message(
          "lf's pattern from \(archive): after pass \(pass + 1) it changes the class of "
            + "\(Int((rate * Double(judges.count)).rounded())) of \(judges.count) test images"))
      let recent = rates.suffix(5)
      let isStill = recent.count == 5 && (recent.max() ?? 0) - (recent.min() ?? 0) < 0.01
      if rate >= foolingRate || isStill { break }
    }
    let bytes = try stage.communicator.fromRankZero(bytes: search.bytes)
    if !bytes.contains(where: { $0 > 0 }) {
      stage.stage.tell(
        .warning(
          "lf's pattern changes no image: \(archive) takes all of them for the target class; "
            + "give a better --clean_model, or more --epochs"))
    }
    return bytes
  }
}

extension AttackName {
  /// lf.
  package static let lf = AttackName(LowFrequency.self)
}

extension PixelModel {
  /// The same on inputs that are the images themselves.
  fileprivate func withoutNormalization() -> PixelModel {
    let channels = model.inputShape.channels
    return PixelModel(
      model,
      normalization: Normalization(
        mean: [Float](repeating: 0, count: channels),
        standardDeviation: [Float](repeating: 1, count: channels)),
      context: context)
  }
}

extension LabeledImages {
  /// The positions of the first `count` images of each class.
  func firstOfEachClass(_ count: Int) -> [Int] {
    var taken = [Int](repeating: 0, count: classCount)
    return labels.indices.filter { index in
      taken[labels[index]] += 1
      return taken[labels[index]] <= count
    }
  }
}

extension RandomStream {
  /// The first `count` of a random order of `0..<n`.
  mutating func choice(of n: Int, count: Int) -> [Int] {
    var order = Array(0..<n)
    for place in 0..<min(count, n) { order.swapAt(place, place + nextInt(below: n - place)) }
    return Array(order.prefix(count))
  }
}
