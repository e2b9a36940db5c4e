import Core
import Testing

/// Which images a sheet shows.
@Suite struct PointChoiceTests {
  private let labels = (0..<60).map { $0 % 3 }

  @Test func everyClassGivesItsShareOnceAndOthersNone() {
    let chosen = PointChoice.clean(labels: labels, classCount: 4, perClass: 7, seed: 1)
    #expect(Set(chosen).count == 21)
    #expect(chosen.map { labels[$0] } == (0..<21).map { $0 / 7 })
  }

  @Test func aClassWithFewerImagesGivesAll() {
    let chosen = PointChoice.clean(labels: [0, 1, 0], classCount: 2, perClass: 9, seed: 0)
    #expect(chosen.sorted() == [0, 1, 2])
  }

  @Test func theChoiceIsAFunctionOfTheSeed() {
    func clean(_ seed: UInt64) -> [Int] {
      PointChoice.clean(labels: labels, classCount: 3, perClass: 5, seed: seed)
    }
    #expect(clean(0) == clean(0))
    #expect(clean(0) != clean(1))
  }

  /// So that panels of archives with other triggered images show the same ones where they can.
  @Test func triggeredImagesAreChosenByWhatTheyWereMadeFrom() {
    let all = Array(0..<60)
    func chosen(_ indices: [Int], _ count: Int) -> [Int] {
      PointChoice.triggered(originalIndices: indices, testCount: 60, count: count, seed: 3)
        .map { indices[$0] }
    }
    let ten = chosen(all, 10)
    #expect(chosen(all.reversed(), 10) == ten)
    let rest = all.filter { !ten.prefix(4).contains($0) }
    #expect(chosen(rest, 6) == Array(ten.dropFirst(4)))
    #expect(chosen(all, 1000).count == 60)
    #expect(chosen([], 5).isEmpty)
  }

  @Test func imagesOfAnotherTestSetComeLast() {
    let chosen = PointChoice.triggered(
      originalIndices: [900, 2, 700, -1], testCount: 5, count: 4, seed: 0)
    #expect(chosen.first == 1)
    #expect(chosen.sorted() == [0, 1, 2, 3])
  }
}
