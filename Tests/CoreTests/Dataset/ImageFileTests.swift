import Core
import Foundation
import Testing

@Suite struct ImageFileTests {
  @Test func pngDecodesAsPillowDoes() throws { try check(ImageGoldens.load().png) }

  @Test func jpegDecodesAsPillowDoes() throws { try check(ImageGoldens.load().jpeg) }

  @Test func pixmapsDecodeAsPillowDoes() throws { try check(ImageGoldens.load().ppm) }

  @Test func bitmapsDecodeAsPillowDoes() throws { try check(ImageGoldens.load().bmp) }

  @Test func gifDecodesAsPillowDoes() throws { try check(ImageGoldens.load().gif) }

  @Test func webpDecodesAsPillowDoes() throws { try checkIfBuilt(ImageGoldens.load().webp) }

  @Test func tiffDecodesAsPillowDoes() throws { try checkIfBuilt(ImageGoldens.load().tiff) }

  /// Says aloud where the library for a format was missing when the program was built.
  private func checkIfBuilt(_ pictures: [ImageGoldens.Picture]) throws {
    do {
      try check(pictures)
    } catch let error as ImageError where error.description.contains("built without") {
      FileHandle.standardError.write(Data("SKIPPED: \(error)\n".utf8))
    }
  }

  private func check(_ pictures: [ImageGoldens.Picture]) throws {
    #expect(!pictures.isEmpty)
    let scratch = try DataScratch()
    for picture in pictures {
      let image = try ImageFile.read(scratch.write(Array(picture.file), to: picture.name))
      #expect([image.width, image.height] == picture.size, "\(picture.name)")
      #expect(image.pixels == Array(picture.pixels), "\(picture.name)")
    }
  }

  @Test func whatIsWrittenIsReadBack() throws {
    let scratch = try DataScratch()
    for (width, height) in [(1, 1), (32, 32), (7, 5), (300, 2)] {
      let image = formulaImage(width: width, height: height)
      try ImageFile.writePNG(image, to: "\(scratch.path)/image.png")
      #expect(try ImageFile.read("\(scratch.path)/image.png") == image)
    }
  }

  @Test func writtenPNGHasOnlyTheThreeNecessaryChunks() throws {
    let scratch = try DataScratch()
    let path = "\(scratch.path)/image.png"
    try ImageFile.writePNG(formulaImage(width: 32, height: 32), to: path)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    var kinds: [String] = []
    var position = 8
    while position + 8 <= bytes.count {
      let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      kinds.append(String(decoding: bytes[position + 4..<position + 8], as: UTF8.self))
      position += 12 + length
    }
    #expect(kinds == ["IHDR", "IDAT", "IEND"])
    #expect(Array(bytes[24..<29]) == [8, 2, 0, 0, 0])
  }

  @Test func everyTruncationIsAnErrorThatNamesTheFile() throws {
    let goldens = try ImageGoldens.load()
    let scratch = try DataScratch()
    let pictures = [
      goldens.png[0], goldens.png[5], goldens.jpeg[0], goldens.jpeg[4], goldens.bmp[0],
      goldens.gif[0], goldens.webp[0], goldens.tiff[0],
    ]
    for picture in pictures {
      let whole = Array(picture.file)
      for count in stride(from: 0, to: whole.count - 4, by: 7) {
        let path = try scratch.write(Array(whole.prefix(count)), to: "short.image")
        let error = #expect(throws: ImageError.self, "\(picture.name), \(count) bytes") {
          try ImageFile.read(path)
        }
        #expect(error?.description.contains(path) == true)
      }
    }
  }

  @Test func changedBytesNeverCrash() throws {
    let goldens = try ImageGoldens.load()
    let scratch = try DataScratch()
    let pictures =
      [goldens.png[5], goldens.jpeg[4]] + goldens.ppm + goldens.bmp + goldens.gif
      + goldens.webp.prefix(2) + goldens.tiff
    for picture in pictures where picture.file.count < 1000 {
      for place in 2..<picture.file.count {
        var bytes = Array(picture.file)
        bytes[place] ^= 0xA5
        let path = try scratch.write(bytes, to: "changed.image")
        _ = try? ImageFile.read(path)
      }
    }
  }

  @Test func hugeDimensionsAreRefused() throws {
    let scratch = try DataScratch()
    var png = Array(try ImageGoldens.load().png[0].file)
    png.replaceSubrange(16..<24, with: [0, 1, 0, 0, 0, 1, 0, 0])
    let bomb = Array("P6 16000 16000 255\n".utf8)
    for bytes in [png, bomb, Array("P3 99999999999999999999 1 255 0".utf8)] {
      let path = try scratch.write(bytes, to: "bomb")
      #expect(throws: ImageError.self) { try ImageFile.read(path) }
    }
  }

  @Test func errorsSayWhatWasFound() throws {
    let scratch = try DataScratch()
    let text = try scratch.write(Array("hello".utf8), to: "note.png")
    #expect(throws: ImageError.unknownFormat(path: text)) { try ImageFile.read(text) }
    let none = "\(scratch.path)/none.png"
    let error = #expect(throws: ImageError.self) { try ImageFile.read(none) }
    #expect(error?.description == "\(none): cannot be read: No such file or directory")
    #expect(
      throws: ImageError.unreadable(
        path: scratch.path, reason: "it is a folder, not a regular file")
    ) {
      try ImageFile.read(scratch.path)
    }
    let nowhere = "\(scratch.path)/none/image.png"
    #expect(throws: ImageError.self) {
      try ImageFile.writePNG(formulaImage(width: 1, height: 1), to: nowhere)
    }
  }
}
