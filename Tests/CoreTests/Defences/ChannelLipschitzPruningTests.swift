import Core
import Foundation
import TestSupport
import Testing

/// clp's bounds and the channels that they prune, against the original's (`clp/expected.pt`).
@Suite(.enabled(if: Fixtures.available(for: "ChannelLipschitzPruningTests")))
struct ChannelLipschitzPruningTests {
  private func expectBounds(_ bounds: [[Double]], _ fixture: DefenceFixture, _ key: String) throws {
    let expected = try #require(try fixture.value(key).items)
    #expect(expected.count == bounds.count)
    for (index, (mine, other)) in zip(bounds, expected).enumerated() {
      expectClose(
        mine.map { Float($0) }, try DefenceFixture.numbers(other, key).map { Float($0) },
        relative: 1e-5, "\(key) of layer \(index)")
    }
  }

  private func pruned(_ bounds: [[Double]], _ threshold: Double) -> [[Int]] {
    bounds.enumerated().flatMap { layer, values in
      ChannelLipschitzPruning.outliers(values, threshold: threshold).map { [layer, $0] }
    }
  }

  @Test func boundsAndChannelsOfAResNetEqualTheOriginals() throws {
    let fixture = try DefenceFixture("clp/expected.pt")
    let bounds = ChannelLipschitzPruning.bounds(in: try DefenceData.model().store)
    try expectBounds(bounds, fixture, "lipschitz")
    let chosen = try #require(try fixture.value("pruned_layer_channel").items)
    let thresholds = try fixture.numbers("u")
    #expect((chosen.count, thresholds.count) == (21, 21))
    for (threshold, channels) in zip(thresholds, chosen) {
      let expected = DefenceData.pairs(try DefenceFixture.numbers(channels, "channels"))
      #expect(pruned(bounds, threshold) == expected, "u \(threshold)")
    }
  }

  /// There a normalisation stands before its convolution, and goes with the one last before it.
  @Test func boundsAndChannelsOfAPreActivationNetworkEqualTheOriginals() throws {
    let fixture = try DefenceFixture("clp/expected.pt")
    let thin = ThinModel(.preactresnet18, width: 8)
    try thin.store.load(StateDict(try DefenceData.preActivation("student")))
    let bounds = ChannelLipschitzPruning.bounds(in: thin.store)
    try expectBounds(bounds, fixture, "preact8_lipschitz")
    for entry in try #require(try fixture.value("preact8").entries) {
      let threshold = try #require(entry.key.number ?? entry.key.text.flatMap(Double.init))
      let expected = DefenceData.pairs(try DefenceFixture.numbers(entry.value, "channels"))
      #expect(pruned(bounds, threshold) == expected, "u \(threshold)")
    }
  }
}
