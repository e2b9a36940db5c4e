import Core
import Foundation
import TestSupport
import Testing

@Suite("LearningRateSchedule")
struct LearningRateScheduleTests {
  static var names: [String] {
    (try? Golden.load("schedules").keys().filter { $0 != "made_by" }) ?? []
  }

  @Test func goldensHaveEveryKind() {
    #expect(Self.names.count == 14)
  }

  /// PyTorch's schedulers are recurrences, ours closed forms: equal within rounding.
  @Test(arguments: names)
  func ratesEqualGolden(_ name: String) throws {
    let golden = try Golden.load("schedules").branch(name)
    let rates = try golden.numbers("rates")
    let base = try golden.number("learning_rate")
    let kind = try golden.text("kind")
    let schedule: LearningRateSchedule =
      switch kind {
      case "cosine": .cosine(base: base, period: Int(try golden.number("period")))
      case "multi_step":
        .multiStep(
          base: base, milestones: try golden.integers("milestones"),
          gamma: try golden.number("gamma"))
      case "one_cycle":
        .oneCycle(peak: base, warmUp: try golden.number("warm_up_fraction"))
      case "plateau": .plateau(base: base, factor: try golden.number("factor"))
      default: .constant(base: base)
      }
    let losses = kind == "plateau" ? try golden.numbers("losses") : []
    for (index, rate) in rates.enumerated() {
      let mine =
        kind == "one_cycle"
        ? schedule.rate(epoch: 0, step: index, stepsPerEpoch: rates.count, epochs: 1)
        : schedule.rate(
          epoch: index, step: 3, stepsPerEpoch: 10, epochs: rates.count,
          losses: Array(losses.prefix(index)))
      #expect(abs(mine - rate) <= 1e-12 + 1e-9 * rate, "rate \(index): \(mine) for \(rate)")
    }
  }

  @Test func oneCycleCountsStepsOverEpochs() {
    let schedule = LearningRateSchedule.oneCycle(peak: 0.4, warmUp: 0.25)
    for step in 0..<40 {
      let whole = schedule.rate(epoch: 0, step: step, stepsPerEpoch: 40, epochs: 1)
      let split = schedule.rate(epoch: step / 8, step: step % 8, stepsPerEpoch: 8, epochs: 5)
      #expect(whole == split)
    }
  }

  @Test(arguments: 1...6)
  func shortOneCyclesStayFinite(_ steps: Int) {
    for warmUp in [0, 0.25, 0.3, 1] {
      let schedule = LearningRateSchedule.oneCycle(peak: 0.4, warmUp: warmUp)
      for step in 0..<steps {
        let rate = schedule.rate(epoch: 0, step: step, stepsPerEpoch: steps, epochs: 1)
        #expect(rate.isFinite && rate > 0 && rate <= 0.4 + 1e-12, "\(steps) steps: \(rate)")
      }
    }
  }
}
