import Distributed
import Foundation

/// Times training steps or evaluation passes of a network on random images, in this process.
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
  }

  /// What is timed.
  public var kind: Kind
  /// The architecture.
  public var model: ModelArchitecture
  /// Planes of the first stage.
  public var width: Int
  /// Images per pass.
  public var batchSize: Int
  /// Threads that share the work.
  public var threads: Int
  /// Timed passes, after two that are not counted.
  public var steps: Int

  /// A benchmark of 32x32 images in 10 classes.
  public init(
    kind: Kind, model: ModelArchitecture = .resnet18, width: Int, batchSize: Int, threads: Int,
    steps: Int
  ) {
    self.kind = kind
    self.model = model
    self.width = width
    self.batchSize = batchSize
    self.threads = threads
    self.steps = steps
  }

  /// Runs the passes.
  public func run() throws -> Report {
    let context = ComputeContext(threads: threads)
    let network = ResNet18(
      model, width: width, classCount: 10,
      inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3))
    Initializer.initialize(network.store, seed: 0)
    let step = TrainStep(
      model: network, optimizer: SGD(for: network.store, momentum: 0.9, weightDecay: 5e-4),
      loss: CrossEntropy(), largestShare: batchSize, communicator: SoloCommunicator(),
      context: context)
    return kind == .step ? try time(step) : try context.withFixedWeights { try time(step) }
  }

  private func time(_ step: TrainStep) throws -> Report {
    let batch = randomBatch()
    var (walls, cpus, loss) = ([Double](), [Double](), 0.0)
    for pass in 0..<steps + 2 {
      let (wall, cpu) = (ContinuousClock.now, Self.processorSeconds())
      loss = try once(step, batch) / Double(batchSize)
      if pass < 2 { continue }
      walls.append((ContinuousClock.now - wall).seconds)
      cpus.append(Self.processorSeconds() - cpu)
    }
    let seconds = Spread(walls)
    return Report(
      seconds: seconds, cpuSeconds: Spread(cpus),
      imagesPerSecond: Double(batchSize) / seconds.median,
      peakResidentBytes: Self.peakResidentBytes(), loss: loss)
  }

  private func once(_ step: TrainStep, _ batch: Batch) throws -> Double {
    if kind == .step { return try step.run(batch, learningRate: 0.01).crossEntropy.lossSum }
    var shape = step.model.inputShape
    shape.batch = batch.count
    let logits = step.model.forward(
      Tensor(shape, in: batch.images), mode: .evaluating, context: step.context)
    return CrossEntropy().evaluate(logits, labels: batch.labels, globalCount: batch.count).lossSum
  }

  private func randomBatch() -> Batch {
    var stream = RandomStream(seed: 0, purpose: .test)
    let images = FloatBuffer((0..<batchSize * 32 * 32 * 3).map { _ in stream.nextNormal() })
    return Batch(
      images: images, labels: (0..<batchSize).map { _ in Int32(stream.nextInt(below: 10)) },
      indices: Array(0..<batchSize), globalCount: batchSize)
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
