import Core
import Testing

@Suite struct TriggerSheetTests {
  /// 3x2 pixels of one value; class and value of image i are given.
  private func images(_ labels: [Int], _ values: [UInt8]) -> LabeledImages {
    LabeledImages(
      pixels: values.flatMap { [UInt8](repeating: $0, count: 18) }, labels: labels, height: 2,
      width: 3, classNames: (0..<12).map { "class \($0)" })
  }

  private struct Brighter: Trigger {
    let name = "brighter"
    func apply(
      to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, split: DatasetSplit
    ) { pixels[0] += 60 }
  }

  @Test func rowsAreOriginalTriggeredAndAmplifiedDifference() {
    let sheet = TriggerSheet(images([1, 2], [10, 20]), at: [1, 0], trigger: Brighter())
    #expect(sheet.enlargement == 42)
    #expect(sheet.amplification == 4)  // 5 x 60 is over 255
    #expect((sheet.image.width, sheet.image.height) == (8 + 2 * (126 + 8), 8 + 3 * (84 + 8)))
    let value = { (x: Int, y: Int, channel: Int) in
      sheet.image.pixels[(y * sheet.image.width + x) * 3 + channel]
    }
    #expect(value(0, 0, 0) == 255 && value(8 + 126, 8, 0) == 255)  // gaps
    let below = 84 + 8
    for (column, original) in [(0, 20), (1, 10)] as [(Int, UInt8)] {
      let left = 8 + column * (126 + 8)
      for corner in [(left, 8), (left + 41, 8 + 41)] {  // both ends of the first pixel
        #expect(value(corner.0, corner.1, 0) == original)
        #expect(value(corner.0, corner.1 + below, 0) == original + 60)
        #expect(value(corner.0, corner.1 + below, 1) == original)
        #expect(value(corner.0, corner.1 + 2 * below, 0) == 240)
        #expect(value(corner.0, corner.1 + 2 * below, 1) == 0)
      }
      #expect(value(left + 42, 8 + 2 * below, 0) == 0)
    }
  }

  @Test func eachClassButTheTargetIsShownOnceBeforeAnyIsShownTwice() {
    let labels = [3, 0, 3, 1, 2, 0, 1, 9, 8, 7, 3]
    let set = images(labels, labels.map { UInt8($0) })
    #expect(
      TriggerSheet.choice(of: set, labels: .allToOne(target: 0)) == [3, 4, 0, 9, 8, 7, 2, 6])
    #expect(TriggerSheet.choice(of: images([0], [0]), labels: .allToOne(target: 0)).isEmpty)
  }
}
