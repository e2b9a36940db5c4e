import Distributed
import Foundation

/// Times training steps or evaluation passes of a network on random images, on every rank.
///
/// With several ranks steps really sum gradients over them, and take turns with steps that do not:
/// so one run says what communication costs.
public struct StepBenchmark: Sendable {
  /// What is timed.
  public enum Kind: String, Sendable {
    /// Forward, backward and SGD update.
    case step
    /// Forward with running statistics.
    case evaluate
  }

  /// Smallest, middle and largest of several measurements.
  public struct Spread: Sendable {
    /// The smallest.
    public var min: Double
    /// The middle one, or the mean of the two middle ones.
    public var median: Double
    /// The largest.
    public var max: Double

    /// The spread of `values`.
    init(_ values: [Double]) {
      let sorted = values.sorted()
      min = sorted.first ?? 0
      max = sorted.last ?? 0
      median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
  }

  /// What was measured.
  public struct Report: Sendable {
    /// Wall seconds of one pass.
    public var seconds: Spread
    /// Processor seconds of one pass, over all threads.
    public var cpuSeconds: Spread
    /// Images per second at the median.
    public var imagesPerSecond: Double
    /// Largest resident memory of the process so far, bytes.
    public var peakResidentBytes: Int
    /// Cross-entropy of the last pass: it shows that something was learned.
    public var loss: Double
    /// How the threads share a pass, of the pass whose `path` is the middle one; nil where that is not
    /// asked for.
    package var profile: WorkProfile?
    /// What summing over the ranks costs; nil in a world of one and for evaluation.
    public var communication: Communication?
  }

  /// What the sum over the ranks costs in a step.
  public struct Communication: Sendable {
    /// Wall seconds of a step of one rank's own, without communication.
    public var stepAlone: Spread
    /// Wall seconds of the sum alone, without computation.
    public var alone: Spread
    /// Wall seconds that a step waited for the sum: after its backward, and for what the step
    /// before had deferred.
    public var exposed: Spread
    /// The share of the communication that computation hid.
    public var hiddenShare: Double { 1 - exposed.median / alone.median }
    /// Throughput of a rank against the same rank without communication.
    public var efficiency: Double
    /// What the last step summed, in order.
    public var buckets: [Bucket]
  }

  /// A part of what a step sums over the ranks.
  public struct Bucket: Sendable {
    /// Its bytes as it travels.
    public var bytes: Int
    /// Seconds from the step's begin until it could be summed.
    public var ready: Double
  }

  /// What is timed.
  public var kind: Kind
  /// The architecture.
  public var model: NetworkKind
  /// Planes of the first stage.
  public var width: Int
  /// Images per pass.
  public var batchSize: Int
  /// Threads that share the work.
  public var threads: Int
  /// Timed passes.
  public var steps: Int
  /// Whether each thread's share of the passes is taken down.
  package var isProfiled = false
  /// In what numbers convolutions multiply.
  public var precision: PrecisionChoice
  /// How gradients travel between the ranks.
  public var compression: GradientCompression
  /// The columns of PowerSGD's factors.
  public var powerSGDRank: Int
  /// The ranks that take part.
  public var communicator: any Communicator

  /// A benchmark of 32x32 images in 10 classes.
  public init(
    kind: Kind, model: NetworkKind = .resnet18, width: Int, batchSize: Int, threads: Int,
    steps: Int, precision: PrecisionChoice = .float32, compression: GradientCompression = .none,
    powerSGDRank: Int = PowerSGDSettings().rank,
    communicator: any Communicator = SoloCommunicator()
  ) {
    self.kind = kind
    self.model = model
    self.width = width
    self.batchSize = batchSize
    self.threads = threads
    self.steps = steps
    self.precision = precision
    (self.compression, self.powerSGDRank) = (compression, powerSGDRank)
    self.communicator = communicator
  }

  /// Runs the passes; all ranks together.
  public func run() throws -> Report {
    let context = ComputeContext(threads: threads, precision: precision)
    let network = Network(
      model, width: width, classCount: 10,
      inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3))
    Initializer.initialize(network.store, seed: 0)
    let step = makeStep(network, communicator, context)
    // A second optimizer only where it is needed: its momentum takes the parameters' memory again.
    let isShared = kind == .step && communicator.worldSize > 1
    let own = isShared ? makeStep(network, SoloCommunicator(), context) : nil
    if kind == .step { return try time(step, own: own) }
    return try context.withFixedWeights { try time(step, own: nil) }
  }

  /// Steps in a row with the other ranks, before as many without them.
  private static let rowLength = 3

  /// Times `step` and, in turn with it, the same step without the other ranks.
  ///
  /// Rows begin with a pass that is not counted, since nothing is deferred to its forward, and the
  /// first with two.
  private func time(_ step: ClassifierStep, own: ClassifierStep?) throws -> Report {
    let batch = randomBatch()
    var (walls, ownWalls, cpus, exposed) = ([Double](), [Double](), [Double](), [Double]())
    var (loss, buckets, profiles) = (0.0, [Bucket](), [WorkProfile]())
    while walls.count < steps {
      let count = own == nil ? steps : min(Self.rowLength, steps - walls.count)
      let uncounted = walls.isEmpty ? 2 : 1
      for pass in 0..<uncounted + count {
        let cpu = Self.processorSeconds()
        var begun = ContinuousClock.now
        let wall = try wallTime {
          begun = .now
          let profile = try profiling(step.context) {
            loss = try once(step, batch) / Double(batchSize)
          }
          if let profile, pass >= uncounted { profiles.append(profile) }
        }
        if pass < uncounted { continue }
        walls.append(wall)
        cpus.append(Self.processorSeconds() - cpu)
        exposed.append(step.communication.exposed.seconds)
        buckets = step.communication.buckets.map {
          Bucket(bytes: $0.bytes, ready: ($0.times.handedOver - begun).seconds)
        }
      }
      try step.settle()
      guard let own else { continue }
      for pass in 0..<uncounted + count {
        let wall = try wallTime { _ = try once(own, batch) }
        if pass >= uncounted { ownWalls.append(wall) }
      }
    }
    let seconds = Spread(walls)
    var communication: Communication?
    if own != nil {
      let stepAlone = Spread(ownWalls)
      communication = Communication(
        stepAlone: stepAlone,
        alone: try AllReduceBenchmark(
          plan: step.bucketPlan, runs: steps, compression: compression,
          powerSGDRank: powerSGDRank, communicator: communicator
        ).run().seconds,
        exposed: Spread(exposed), efficiency: stepAlone.median / seconds.median, buckets: buckets)
    }
    profiles.sort { $0.path < $1.path }
    return Report(
      seconds: seconds, cpuSeconds: Spread(cpus),
      imagesPerSecond: Double(batch.globalCount) / seconds.median,
      peakResidentBytes: Self.peakResidentBytes(), loss: loss,
      profile: profiles.isEmpty ? nil : profiles[profiles.count / 2],
      communication: communication)
  }

  /// Calls `body`; how the threads have shared it, where that is asked for.
  private func profiling(
    _ context: ComputeContext, _ body: () throws -> Void
  ) throws -> WorkProfile? {
    if isProfiled { return try context.pool.profiling(body) }
    try body()
    return nil
  }

  private func makeStep(
    _ network: Network, _ communicator: any Communicator, _ context: ComputeContext
  ) -> ClassifierStep {
    ClassifierStep(
      model: network, optimizer: SGD(for: network.store, momentum: 0.9, weightDecay: 5e-4),
      loss: CrossEntropy(), largestShare: batchSize, compression: compression,
      powerSGD: PowerSGDSettings(rank: powerSGDRank, start: 0), communicator: communicator,
      context: context)
  }

  /// The wall seconds of `body`, which all ranks begin together.
  private func wallTime(_ body: () throws -> Void) throws -> Double {
    try communicator.barrier()
    let start = ContinuousClock.now
    try body()
    return (ContinuousClock.now - start).seconds
  }

  private func once(_ step: ClassifierStep, _ batch: Batch) throws -> Double {
    if kind == .step {
      return try step.run(batch, at: Moment(learningRate: 0.01)).crossEntropy.lossSum
    }
    var shape = step.classifier.inputShape
    shape.batch = batch.count
    let logits = step.classifier.forward(
      Tensor(shape, in: batch.images), mode: .evaluating, context: step.context)
    return CrossEntropy().evaluate(logits, labels: batch.labels, globalCount: batch.count).lossSum
  }

  private func randomBatch() -> Batch {
    var stream = RandomStream(seed: 0, purpose: .test)
    let images = FloatBuffer((0..<batchSize * 32 * 32 * 3).map { _ in stream.nextNormal() })
    return Batch(
      images: images, labels: (0..<batchSize).map { _ in Int32(stream.nextInt(below: 10)) },
      indices: Array(0..<batchSize), globalCount: batchSize * communicator.worldSize)
  }

  private static func usage() -> rusage {
    var usage = rusage()
    getrusage(numericCast(RUSAGE_SELF.rawValue), &usage)
    return usage
  }

  /// Processor seconds of this process so far, over all threads.
  package static func processorSeconds() -> Double {
    let usage = usage()
    let micro = Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + micro
  }

  /// Largest resident memory of this process so far, bytes.
  package static func peakResidentBytes() -> Int { usage().ru_maxrss * 1024 }
}
