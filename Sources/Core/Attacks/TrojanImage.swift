import Distributed
import Foundation

/// trojannn's trigger image: read from a run's folder or made from a clean model.
enum TrojanImage {
  /// Where the run in `folder` keeps it.
  static func path(in folder: String) -> String { "\(folder)/\(TrojanTrigger.fileName)" }

  /// The image that `given` names, else the one that the run in `folder` has kept; nil where there
  /// is none.
  static func read(given: String?, folder: String?) throws -> RGBImage? {
    if let given { return try ImageFile.read(given) }
    guard let folder else { return nil }
    let path = path(in: folder)
    return FileManager.default.fileExists(atPath: path) ? try ImageFile.read(path) : nil
  }

  /// Makes it from the clean model at `archive`, on rank 0; all ranks call it and get the same.
  ///
  /// Throws `AttackedModelError` unless model and images are those of the stage's configuration.
  static func make(
    from archive: String, settings: TrojanSettings, stage: AttackStage
  ) throws -> RGBImage {
    let (configuration, communicator) = (stage.configuration, stage.communicator)
    let clean = try AttackedModel(
      AttackedArchive(path: archive, communicator: communicator), for: stage.dataset.train,
      communicator: communicator)
    let image = try communicator.fromRankZero { () -> RGBImage? in
      try clean.requireFit(configuration, settings: settings, path: archive)
      let mask = try mask(settings, height: stage.height, width: stage.width)
      let outcome = try TriggerOptimization(
        model: clean.model, normalization: stage.normalization, settings: settings,
        context: ComputeContext(
          threads: ThreadCount.resolve(requested: configuration.threads),
          convolution: configuration.convolution, precision: configuration.precision)
      ).run(mask: mask) { iterations in
        stage.stage.tell(
          .working(
            WorkProgress(
              name: "trojannn's trigger", done: iterations, total: settings.iterations,
              unit: "steps at most")))
      }
      stage.stage.observer.observe(.message("trigger from \(archive): \(outcome.summary)"))
      return outcome.pattern
    }
    guard let image else { preconditionFailure("rank 0 made no trigger image") }
    return image
  }

  private static func mask(
    _ settings: TrojanSettings, height: Int, width: Int
  ) throws -> RGBImage {
    guard let path = settings.maskPath else {
      return AppleMask.image(height: height, width: width)
    }
    let mask = ImageResize.bilinear(try ImageFile.read(path), width: width, height: height)
    guard mask.pixels.contains(where: { $0 > 0 }) else {
      throw TriggerError.emptyMask(path: path)
    }
    return mask
  }
}

extension AttackedModel {
  /// Throws unless it is the model that `configuration` trains.
  fileprivate func requireFit(
    _ configuration: AttackConfiguration, settings: TrojanSettings, path: String
  ) throws {
    let head = model.kind.headName
    for (key, archive, given) in [
      ("model", description.modelName, configuration.model.rawValue),
      ("width", "\(description.width)", "\(configuration.width)"),
      ("selected_layer_name", head, settings.layer == "linear" ? head : settings.layer),
      (
        "selected_layer_param_name", "\(head).weight",
        settings.layerWeight == "linear.weight" ? "\(head).weight" : settings.layerWeight
      ),
    ] where archive != given {
      throw AttackedModelError.differs(path: path, key: key, archive: archive, given: given)
    }
    let (asked, available) = (settings.neuronCount, model.head.inputs)
    guard asked <= available else {
      throw TriggerError.tooManyNeurons(asked: asked, available: available)
    }
  }
}

extension TriggerOptimization.Outcome {
  /// One line: which neurons, and how far they rose.
  fileprivate var summary: String {
    let list = { (values: [Double]) in
      values.map { String(format: "%.2f", $0) }.joined(separator: ", ")
    }
    let numbers = neurons.map { "\($0)" }.joined(separator: ", ")
    return "neurons \(numbers) of the head's inputs rose from \(list(before)) to \(list(after)) "
      + "in \(iterations) iterations"
  }
}

extension Communicator {
  /// The image that `body` yields on rank 0, or nil, on every rank; its failure is every rank's.
  func fromRankZero(_ body: () throws -> RGBImage?) throws -> RGBImage? {
    var mine: RGBImage?
    let size = try fromRankZero { () -> [Int] in
      mine = try body()
      return mine.map { [$0.width, $0.height] } ?? []
    }
    guard size.count == 2 else { return nil }
    let pixels = try fromRankZero(bytes: mine?.pixels ?? [])
    return RGBImage(pixels: pixels, width: size[0], height: size[1])
  }
}
