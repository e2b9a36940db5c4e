// Stands in for Core/Training's commands until they are merged; then this file goes.
import Core
import Distributed
import Foundation

struct NotYet: Error, CustomStringConvertible {
  var description: String { "this build has no training yet" }
}
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
    // FST_STUB acts a run, to look at the report.
    guard ProcessInfo.processInfo.environment["FST_STUB"] != nil else { throw NotYet() }
    observer.observe(.message("10000 training images, 1000 of them poisoned"))
    for done in 1...100 where !interruption.isRequested {
      Thread.sleep(forTimeInterval: 0.03)
      observer.observe(.evaluating(done: done * 100, total: 10000))
    }
    var metrics = BackdoorMetrics()
    (metrics.cleanCorrect, metrics.cleanTotal) = (9123, 10000)
    (metrics.attackSuccesses, metrics.robustCorrect, metrics.triggeredTotal) = (8988, 9, 9000)
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
