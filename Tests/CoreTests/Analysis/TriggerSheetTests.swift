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
    func apply(
      to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, image: TriggeredImage
    ) { pixels[0] += 60 }
  }

  @Test func rowsAreOriginalTriggeredAndAmplifiedDifference() throws {
    let sheet = try TriggerSheet(images([1, 2], [10, 20]), at: [1, 0], trigger: Brighter())
    #expect(sheet.enlargement == 42)
    #expect(sheet.amplification == 4)  // 5 x 60 is over 255
    #expect((sheet.image.width, sheet.image.height) == (8 + 2 * (126 + 8), 3 * (22 + 84 + 8)))
    let value = { (x: Int, y: Int, channel: Int) in
      sheet.image.pixels[(y * sheet.image.width + x) * 3 + channel]
    }
    #expect(value(0, 0, 0) == 0xB4 && value(8 + 126, 22, 0) == 0xB4)  // gaps
    let below = 22 + 84 + 8
    for (column, original) in [(0, 20), (1, 10)] as [(Int, UInt8)] {
      let left = 8 + column * (126 + 8)
      for corner in [(left, 22), (left + 41, 22 + 41)] {  // both ends of the first pixel
        #expect(value(corner.0, corner.1, 0) == original)
        #expect(value(corner.0, corner.1 + below, 0) == original + 60)
        #expect(value(corner.0, corner.1 + below, 1) == original)
        #expect(value(corner.0, corner.1 + 2 * below, 0) == 240)
        #expect(value(corner.0, corner.1 + 2 * below, 1) == 0)
      }
      #expect(value(left + 42, 22 + 2 * below, 0) == 0)
    }
  }

  @Test func eachRowHasItsNameAboveIt() throws {
    let sheet = try TriggerSheet(images([1, 2], [10, 20]), at: [1, 0], trigger: Brighter()).image
    let strips = (0..<3).map { row in
      (0..<22).flatMap { y in
        let start = ((row * (22 + 84 + 8) + y) * sheet.width) * 3
        return Array(sheet.pixels[start..<start + sheet.width * 3])
      }
    }
    for strip in strips { #expect(strip.contains { $0 < 0x60 }, "no dark letter") }
    #expect(strips[0] != strips[1] && strips[1] != strips[2] && strips[0] != strips[2])
  }

  @Test func eachClassButTheTargetIsShownOnceBeforeAnyIsShownTwice() {
    let labels = [3, 0, 3, 1, 2, 0, 1, 9, 8, 7, 3]
    let set = images(labels, labels.map { UInt8($0) })
    #expect(
      TriggerSheet.choice(of: set, labels: .allToOne(target: 0)) == [3, 4, 0, 9, 8, 7, 2, 6])
    #expect(TriggerSheet.choice(of: images([0], [0]), labels: .allToOne(target: 0)).isEmpty)
  }
}
