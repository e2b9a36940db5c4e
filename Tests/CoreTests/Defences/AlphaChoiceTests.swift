import Core
import Testing

struct AlphaChoiceTests {
  @Test(arguments: [
    ([0.9, 0.9, 0.9, 0.9, 0.9], 4), ([0.9, 0.9, 0.895, 0.8, 0.7], 2), ([0, 0, 0, 0, 0], 0),
    ([0.5, 0.9, 0.6, 0.6, 0.6], 1), ([0.9, 0.9, 0.5, 0.9, 0.5], 3),
  ])
  func takesTheLargestThatCostsLittle(accuracies: [Double], expected: Int) {
    #expect(AlphaChoice.position(of: accuracies) == expected)
  }

  @Test func everyFifthImageIsHeldOut() {
    let (own, heldOut) = AlphaChoice.split(12)
    #expect(heldOut == [4, 9] && own.count == 10)
    #expect(AlphaChoice.split(4).heldOut.isEmpty)
  }
}
