import Core
import Distributed
import Foundation
import TestSupport
import Testing

/// sau's search and unlearning against the original's (`sau/replay.pt`).
@Suite(.enabled(if: Fixtures.available(for: "SharedAdversarialStepTests")))
struct SharedAdversarialStepTests {
  @Test func replayedRoundsEqualTheOriginals() throws {
    let fixture = try DefenceFixture("sau/replay.pt")
    let thin = try DefenceData.model()
    let attacked = try DefenceData.copy(thin)
    let step = SharedAdversarialStep(
      thin.model, attacked: attacked.model, settings: SharedAdversarialUnlearning(),
      normalization: .cifar10, optimizer: Adam(for: thin.store, amsgrad: true),
      communicator: SoloCommunicator(), context: thin.context)
    let batches = try DefenceData.batches()
    let losses = try #require(try fixture.value("attack_losses").items)
    let outer = try fixture.numbers("outer_loss")
    let signs = try fixture.floats("pert_over_0.2_int8")
    let size = 32 * 3 * 32 * 32
    for index in 0..<4 {
      let (batch, moment) = (batches[index % 2], Moment(learningRate: 1e-4))
      let recorded = Tensor(
        nchw: signs[index * size..<(index + 1) * size].map { $0 * 0.2 },
        Shape(batch: 32, height: 32, width: 32, channels: 3)
      ).array
      let cleanAttacked = try step.classesOfAttacked(batch, at: moment)
      let change = try step.search(batch, cleanAttacked: cleanAttacked, at: moment)
      expectClose(
        step.searchLosses[0], try DefenceFixture.numbers(losses[index], "losses")[0],
        relative: 1e-4, "first loss of search \(index)")
      let equal = zip(change, recorded).filter { abs($0 - $1) < 1e-3 }.count
      #expect(Double(equal) >= 0.97 * Double(size), "search \(index): \(equal) of \(size)")
      let outcome = try step.unlearn(
        recorded, batch, cleanAttacked: cleanAttacked, at: moment)
      expectClose(
        outcome.crossEntropy.lossSum / 32 + outcome.penalty, outer[index], relative: 1e-5,
        "loss \(index)")
    }
    expectClose(
      thin.state()["linear.weight"] ?? [], try fixture.floats("linear_weight_final"),
      relative: 1e-5, "head")
    try fixture.expectDigests(thin.state(), "final", relative: 1e-3)
    #expect(attacked.state()["bn1.running_mean"] == thin.state()["bn1.running_mean"])
  }
}
