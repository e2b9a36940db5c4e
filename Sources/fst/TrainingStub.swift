// Stands in for Core/Training, Core/Archive and Distributed until they are merged; then this file goes.
import Core
import Distributed
import Foundation
import Synchronization

struct NotYet: Error, CustomStringConvertible {
  var description: String { "this build has no training yet" }
}
enum TrainingEvent: Sendable {
  case message(String)
  case warning(String)
  case step(StepProgress)
  case epoch(EpochSummary)
  case evaluating(done: Int, total: Int)
}
struct StepProgress: Sendable {
  var phase: String
  var epoch: Int
  var epochs: Int
  var step: Int
  var steps: Int
  var loss: Double
  var accuracy: Double
  var imagesPerSecond: Double
  var secondsRemaining: Double
}
struct EpochSummary: Sendable {
  var epoch: Int
  var epochs: Int
  var learningRate: Double
  var trainLoss: Double
  var trainAccuracy: Double
  var metrics: BackdoorMetrics?
  var seconds: Double
}
struct BackdoorMetrics: Sendable {
  var cleanCorrect: Int64 = 0
  var cleanTotal: Int64 = 0
  var attackSuccesses: Int64 = 0
  var robustCorrect: Int64 = 0
  var triggeredTotal: Int64 = 0
  var cleanAccuracy: Double? { ratio(cleanCorrect, cleanTotal) }
  var attackSuccessRate: Double? { ratio(attackSuccesses, triggeredTotal) }
  var robustAccuracy: Double? { ratio(robustCorrect, triggeredTotal) }
  private func ratio(_ count: Int64, _ total: Int64) -> Double? {
    total == 0 ? nil : Double(count) / Double(total)
  }
}
protocol TrainingObserver: Sendable { func observe(_ event: TrainingEvent) }
struct AttackOutcome {
  var folder: String
  var metrics: BackdoorMetrics
  var interrupted: Bool
  var seconds: Double
}
struct TuneOutcome {
  var folder: String
  var before: BackdoorMetrics
  var after: BackdoorMetrics
  var interrupted: Bool
  var seconds: Double
}
struct BackdoorAttack {
  let observer: any TrainingObserver
  let interruption: Interruption
  let configuration: AttackConfiguration
  init(
    _ configuration: AttackConfiguration, communicator: any Communicator,
    observer: any TrainingObserver, interruption: Interruption
  ) {
    self.observer = observer
    self.interruption = interruption
    self.configuration = configuration
  }
  func run() throws -> AttackOutcome {
    // FST_STUB acts a run, to look at the progress bar.
    guard ProcessInfo.processInfo.environment["FST_STUB"] != nil else { throw NotYet() }
    observer.observe(.message("10000 training images, 1000 of them poisoned"))
    for epoch in 1...3 {
      for step in 1...40 where !interruption.isRequested {
        Thread.sleep(forTimeInterval: 0.02)
        observer.observe(
          .step(
            StepProgress(
              phase: "train", epoch: epoch, epochs: 3, step: step, steps: 40,
              loss: 2.3 / Double(epoch), accuracy: 0.2 * Double(epoch), imagesPerSecond: 1234.5,
              secondsRemaining: Double(120 - 40 * epoch - step + 40) * 0.02)))
      }
      observer.observe(
        .epoch(
          EpochSummary(
            epoch: epoch, epochs: 3, learningRate: 0.1, trainLoss: 2.3, trainAccuracy: 0.4,
            metrics: nil, seconds: 0.8)))
    }
    let metrics = BackdoorMetrics(
      cleanCorrect: 9123, cleanTotal: 10000, attackSuccesses: 8988, robustCorrect: 9,
      triggeredTotal: 9000)
    return AttackOutcome(
      folder: configuration.folder, metrics: metrics, interrupted: interruption.isRequested,
      seconds: 2.4)
  }
}
struct FineTuning {
  init(
    _ configuration: TuneConfiguration, communicator: any Communicator,
    observer: any TrainingObserver, interruption: Interruption
  ) {}
  func run() throws -> TuneOutcome { throw NotYet() }
}
struct Evaluation {
  init(
    _ configuration: EvaluateConfiguration, communicator: any Communicator,
    observer: any TrainingObserver, interruption: Interruption
  ) {}
  func run() throws -> BackdoorMetrics { throw NotYet() }
}
final class Interruption: Sendable {
  private let requested = Mutex(false)
  init() {}
  var isRequested: Bool { requested.withLock { $0 } }
  func request() { requested.withLock { $0 = true } }
}
enum ArchiveTree {
  static func text(path: String, values: Bool) throws -> String { throw NotYet() }
  static func json(path: String, values: Bool) throws -> String { throw NotYet() }
}
struct SharedFailure: Error, CustomStringConvertible { var description: String }
struct Disagreement: Error {}
final class SoloCommunicator: Communicator {
  let rank = 0
  let worldSize = 1
  let hostName = "localhost"
  func allReduceSum(_ floats: UnsafeMutableBufferPointer<Float>) {}
  func allReduceSum(_ values: inout [Double]) {}
  func allReduceSum(_ counts: inout [Int64]) {}
  func allReduceMaximum(_ value: Int64) -> Int64 { value }
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {}
  func allGather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
  func barrier() {}
  func abort(exitCode: Int32) -> Never { exit(exitCode) }
}
extension Communicator {
  func together<Result>(_ body: () throws -> Result) throws -> Result { try body() }
  func waitForTurnToFail() {}
}
enum MPIEnvironment {
  static func communicator() throws -> any Communicator { SoloCommunicator() }
  static func finalize() throws {}
}
