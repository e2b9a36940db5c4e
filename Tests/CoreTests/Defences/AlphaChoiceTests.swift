import Core
import Testing

struct AlphaChoiceTests {
  @Test(arguments: [
    ([90, 90, 90, 90, 90], 4), ([90, 90, 88, 87, 70], 2), ([0, 0, 0, 0, 0], 0),
    ([50, 90, 60, 60, 60], 1), ([90, 90, 50, 90, 50], 3),
  ])
  func takesTheLargestThatCostsLittle(correct: [Int], expected: Int) {
    #expect(AlphaChoice.position(of: correct, among: 100, largestLoss: 0.02) == expected)
  }

  @Test func theLossIsAShareOfTheHeldOutImages() {
    let correct = [180, 180, 177, 176, 175]
    for (loss, expected) in [(0.0, 1), (0.015, 2), (0.02, 3), (0.1, 4)] {
      #expect(AlphaChoice.position(of: correct, among: 200, largestLoss: loss) == expected)
    }
  }

  @Test func everyFifthImageIsHeldOut() {
    let (own, heldOut) = AlphaChoice.split(12)
    #expect(heldOut == [4, 9] && own.count == 10)
    #expect(AlphaChoice.split(4).heldOut.isEmpty)
  }
}
