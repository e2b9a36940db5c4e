import Core
import Foundation
import Testing

/// Drawings as pixels.
@Suite struct RasterFileTests {
  private func pixel(_ image: RGBImage, _ x: Int, _ y: Int) -> [UInt8] {
    let start = (y * image.width + x) * 3
    return Array(image.pixels[start..<start + 3])
  }

  /// Dark pixels in columns `range`.
  private func ink(_ image: RGBImage, _ range: Range<Int>) -> Int {
    range.reduce(0) { sum, x in
      sum + (0..<image.height).count { pixel(image, x, $0)[0] < 128 }
    }
  }

  @Test func shapesStandWhereTheyAreDrawn() throws {
    var drawing = Drawing(width: 40, height: 20)
    drawing.items.append(
      .marks(
        [.init(10, 10)], .init(.disc, size: 4, fill: Color(0xFF0000), outline: Color(0xFF)))
    )
    drawing.items.append(
      .rectangle(.init(20, 5), width: 10, height: 10, fill: Color(0x00FF00), line: nil))
    let image = try RasterFile.pixels(drawing, scale: 2, path: "")
    #expect(image.width == 80 && image.height == 40)
    #expect(pixel(image, 20, 20) == [255, 0, 0])
    #expect(pixel(image, 28, 20)[2] > 128)
    #expect(pixel(image, 31, 20) == [255, 255, 255])
    #expect(pixel(image, 41, 11) == [0, 255, 0])
    #expect(pixel(image, 61, 11) == [255, 255, 255])
  }

  @Test(arguments: [Drawing.Anchor.start, .middle, .end])
  func textGoesFromItsAnchor(anchor: Drawing.Anchor) throws {
    var drawing = Drawing(width: 200, height: 20)
    drawing.text("Legible", at: .init(100, 15), size: 12, anchor: anchor)
    let image = try RasterFile.pixels(drawing, scale: 1, path: "")
    let (left, right) = (ink(image, 0..<100), ink(image, 100..<200))
    switch anchor {
    case .start: #expect(left == 0 && right > 20)
    case .middle: #expect(left > 10 && right > 10)
    case .end: #expect(left > 20 && right == 0)
    }
  }

  @Test func aPNGReadsBackAndIsTheSameEachTime() throws {
    var drawing = Drawing(width: 30, height: 10)
    drawing.text("é<", at: .init(1, 9), size: 9)
    drawing.items.append(.marks([.init(25, 5)], .init(.triangle, size: 3, fill: .ink)))
    let bytes = try RasterFile.png(drawing, path: "x.png")
    #expect(try RasterFile.png(drawing, path: "x.png") == bytes)
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("\(UUID().uuidString).png").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let drawn = try RasterFile.pixels(drawing, scale: 2, path: path)
    #expect(try ImageFile.read(path) == drawn)
  }

  @Test func aSheetBeyondAnyPictureIsRefused() {
    #expect(throws: ImageError.self) {
      try RasterFile.png(Drawing(width: 10, height: 1e6), path: "x.png")
    }
  }
}
