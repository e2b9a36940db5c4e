import Core
import Distributed
import TestSupport
import Testing

/// What a search decides after each epoch, from the original's own figures of them.
@Suite(.enabled(if: Fixtures.available(for: "ReversalSearchTests")))
struct ReversalSearchTests {
  private let trigger = ReversedTrigger(
    mask: [1], pattern: [0, 0, 0], height: 1, width: 1)

  @Test(arguments: ["class0", "class3"])
  func costsAndCountersEqualTheRecordedOnes(name: String) throws {
    let fixture = try DefenceFixture("nc/replay.pt")
    let columns = try #require(try fixture.value("columns").items).compactMap(\.text)
    let figures = try fixture.numbers(name, "epochs")
    let rows = stride(from: 0, to: figures.count, by: columns.count).map { start in
      Dictionary(uniqueKeysWithValues: zip(columns, figures[start..<start + columns.count]))
    }
    var settings = ReversalSettings()
    (settings.patience, settings.stopPatience) = (2, 6)
    var search = ReversalSearch(settings)
    for (index, row) in rows.enumerated() {
      #expect(abs(search.cost - (row["cost_before"] ?? .nan)) < 1e-9, "epoch \(index)")
      // What was seen in the epoch shows in what it led to.
      let best = row["reg_best"] ?? .infinity
      let isBetter = best < search.bestNorm
      let works =
        isBetter || row["cost_up_counter"] ?? 0 > 0
        || row["cost_after"] ?? 0 > row["cost_before"] ?? 0
      let isOver = search.end(
        epochWith: trigger, success: works ? 100 : 0, norm: isBetter ? best : 1e9)
      #expect(isOver == (row["stopped"] == 1), "epoch \(index)")
      #expect(abs(search.cost - (row["cost_after"] ?? .nan)) < 1e-9, "epoch \(index)")
      #expect(Double(search.idleEpochs) == row["early_stop_counter"], "epoch \(index)")
      #expect(Double(search.workingEpochs) == row["cost_up_counter"], "epoch \(index)")
      #expect(Double(search.failingEpochs) == row["cost_down_counter"], "epoch \(index)")
    }
    #expect(abs(search.bestNorm - (try fixture.value(name, "reg_best").number ?? .nan)) < 1e-4)
  }

  @Test func verdictsEqualTheRecordedOnes() throws {
    let lists = try #require(try DefenceFixture("nc/replay.pt").value("outlier").items)
    #expect(lists.count == 6)
    for list in lists {
      let norms = try DefenceFixture.numbers(try #require(list["l1"]), "l1")
      let verdict = ReversalVerdict(norms, takesLowerMedian: true)
      let flagged = try DefenceFixture.numbers(try #require(list["flagged"]), "flagged")
      #expect(verdict.flagged.map(Double.init) == flagged)
      expectClose(verdict.median, list["median"]?.number ?? .nan, relative: 1e-6)
      expectClose(verdict.deviation, list["mad"]?.number ?? .nan, relative: 1e-6)
      expectClose(
        verdict.index, list["anomaly_index_of_minimum"]?.number ?? .nan, relative: 1e-5)
    }
  }

  @Test func medianOfAnEvenNumberIsTheMeanOfTheTwoInTheMiddle() {
    #expect(ReversalVerdict([1, 10, 12, 14]).median == 11)
    #expect(ReversalVerdict([1, 10, 12, 14], takesLowerMedian: true).median == 10)
  }

  @Test func equalSizesGiveNoVerdict() {
    let verdict = ReversalVerdict([5, 5, 5, 5])
    #expect(verdict.flagged.isEmpty && verdict.index == 0)
    #expect(verdict.words.contains("no verdict"))
  }

  /// Masks that never worked are large, so that any other one stands out.
  @Test func classesWithoutATriggerThatWorksLeaveNoVerdictToRelyOn() {
    var verdict = ReversalVerdict([20, 880, 885, 890, 895])
    #expect(verdict.flagged == [0] && verdict.isReliable)
    verdict.unreached = [1, 2, 3]
    #expect(!verdict.isReliable)
    #expect(verdict.words.contains("no verdict to rely on"))
    #expect(verdict.flagged.isEmpty)
    #expect(!ReversalVerdict([5, 5, 5]).isReliable)
  }

  /// Of two sizes each is as far from their median as the other, so that neither can stand out.
  @Test func twoClassesGiveNoVerdict() {
    let verdict = ReversalVerdict([1, 900])
    #expect(!verdict.isReliable && verdict.flagged.isEmpty)
    #expect(
      verdict.words == "no verdict: expected three classes or more to compare, found 2")
    #expect(ReversalVerdict([1, 880, 900]).flagged == [0])
  }

  @Test func sizesOfWhichMostAreOneGiveNoVerdict() {
    let verdict = ReversalVerdict([2, 7, 7, 7])
    #expect(!verdict.isReliable)
    #expect(verdict.words.contains("the masks of half the classes or more have one size"))
    #expect(!verdict.words.contains("do not differ"))
  }

  @Test func stampsAreMixedOfImageAndPattern() {
    let images = LabeledImages(
      pixels: [100, 200, 0, 10, 20, 30], labels: [0, 1], height: 1, width: 1,
      classNames: ["a", "b"])
    let half = ReversedTrigger(mask: [0.5], pattern: [1, 0, 0.5], height: 1, width: 1)
    #expect(half.stamped(images).pixels == [178, 100, 64, 133, 10, 79])
    let mixed = NeuralCleanse.stamped(images, with: [half], share: 0.5)
    #expect(mixed.pixels == [100, 200, 0, 133, 10, 79] && mixed.labels == [0, 1])
  }
}
