import Core
import Testing

@Suite struct ImageResizeTests {
  @Test func resizesToPillowsIntegers() throws {
    for golden in try ImageGoldens.load().resize {
      let image = formulaImage(width: golden.from[0], height: golden.from[1])
      let resized = ImageResize.bilinear(image, width: golden.to[0], height: golden.to[1])
      #expect(resized.pixels == Array(golden.pixels), "\(golden.from) to \(golden.to)")
    }
  }

  @Test func sameSizeChangesNothing() {
    let image = formulaImage(width: 9, height: 4)
    #expect(ImageResize.bilinear(image, width: 9, height: 4) == image)
  }

  @Test func constantImagesStayConstant() {
    for value in [0, 1, 127, 255] as [UInt8] {
      let image = RGBImage(
        pixels: .init(repeating: value, count: 13 * 11 * 3), width: 13, height: 11)
      for side in 1...20 {
        let resized = ImageResize.bilinear(image, width: side, height: side)
        #expect(resized.pixels.allSatisfy { $0 == value }, "\(value) at \(side)")
      }
    }
  }
}
