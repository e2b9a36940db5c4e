import Distributed
import Foundation

/// How long the runs of a plan are going to take.
///
/// Of runs like those that are finished, as these took; of others from a training step and an
/// evaluation pass measured here, times their numbers. What loading and the sum over ranks take is
/// left out.
public struct SweepEstimate: Sendable {
  /// Seconds of an attack; nil where its number of images is not known.
  public private(set) var attackSeconds: Double?
  /// Seconds of a tuning, defence or test by its name; nil where its number of images is not known.
  public private(set) var tuningSeconds: [String: Double] = [:]
  /// What they rest on, in words.
  public private(set) var basis = ""

  /// Seconds that a training image and a test image take.
  private struct Pace {
    var step: Double
    var evaluation: Double
  }

  /// The estimate for `plan`, with `results` of earlier runs, on `ranks` like this one.
  public init(_ plan: SweepPlan, results: [String: [SweepResult]], ranks: Int) throws {
    guard let first = plan.groups.first else { return }
    let tunings = plan.groups.first { !$0.tunings.isEmpty }?.tunings ?? []
    attackSeconds = Self.mean(plan.groups.map { $0.attack.result(in: results)?.seconds })
    var sources = attackSeconds == nil ? [] : ["attacks take as long as those finished"]
    var names: [String] = []
    for run in tunings where !names.contains(run.method.title) { names.append(run.method.title) }
    for name in names {
      tuningSeconds[name] = Self.mean(
        plan.groups.flatMap { group in
          group.tunings.filter { $0.method.title == name }
            .map { $0.result(of: group.attack, in: results)?.seconds }
        })
    }
    if !tuningSeconds.isEmpty { sources.append("tunings and defences as long as theirs") }
    let attack = first.attack.configuration
    let missing = names.filter { tuningSeconds[$0] == nil }
    if attackSeconds == nil || !missing.isEmpty {
      let words = try measure(attack, tunings, missing, ranks: ranks)
      sources.append((sources.isEmpty ? "" : "others ") + words)
    }
    basis = sources.joined(separator: "; ")
  }

  private mutating func measure(
    _ attack: AttackConfiguration, _ tunings: [SweepTuning], _ missing: [String],
    ranks: Int
  ) throws -> String {
    guard let size = Self.imageCounts(attack) else {
      return "unknown, since the number of images is"
    }
    let batch = min(max(attack.globalBatchSize(worldSize: ranks) / ranks, 1), 64)
    let pace = try Self.pace(attack, batch: batch)
    let tests = Double(2 * size.test) * pace.evaluation
    if attackSeconds == nil {
      let images = min(size.train, (attack.maxSteps ?? .max / attack.batchSize) * attack.batchSize)
      let epochs = Double(attack.epochs)
      attackSeconds = epochs * (Double(images) * pace.step + tests) / Double(ranks)
    }
    for name in missing {
      guard let run = tunings.first(where: { $0.method.title == name }) else { continue }
      let images = run.method.trainingImages(of: size.train, classCount: Self.classCount(attack))
      tuningSeconds[name] = (images * pace.step + tests) / Double(ranks)
    }
    return String(
      format: "by %.2f ms a training image and %.2f ms a test image, measured now",
      pace.step * 1e3, pace.evaluation * 1e3)
  }

  private static func pace(_ attack: AttackConfiguration, batch: Int) throws -> Pace {
    func seconds(_ kind: StepBenchmark.Kind) throws -> Double {
      try StepBenchmark(
        kind: kind, model: attack.model, width: attack.width, batchSize: batch,
        threads: ThreadCount.resolve(requested: attack.threads), steps: 1,
        precision: attack.precision
      ).run().seconds.median / Double(batch) * area(attack)
    }
    return try Pace(step: seconds(.step), evaluation: seconds(.evaluate))
  }

  /// Images of a dataset that is known by its name; nil of a folder.
  private static func imageCounts(_ attack: AttackConfiguration) -> DatasetKind.Counts? {
    Datasets.named(attack.dataset)?.counts
  }

  private static func classCount(_ attack: AttackConfiguration) -> Int {
    Datasets.named(attack.dataset)?.classCount ?? 10
  }

  /// How much longer an image takes than one of 32x32, which the benchmark has.
  private static func area(_ attack: AttackConfiguration) -> Double {
    let side = attack.imageSide ?? Datasets.named(attack.dataset)?.side ?? 32
    return Double(side * side) / (32 * 32)
  }

  private static func mean(_ values: [Double?]) -> Double? {
    let known = values.compactMap { $0 }
    return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
  }
}
