import Core
import Foundation
import Testing

/// Two classes, b with two training images, a with one; each image is of one value.
private func folder() throws -> DataScratch {
  let scratch = try DataScratch()
  try scratch.write(pixmap(30), to: "train/b/2.ppm")
  try scratch.write(pixmap(20), to: "train/b/1.PPM")
  try scratch.write(pixmap(10), to: "train/a/9.ppm")
  try scratch.write(pixmap(40), to: "test/a/1.ppm")
  try scratch.write(pixmap(50), to: "test/b/1.ppm")
  return scratch
}

extension LabeledImages {
  /// The first value of each image.
  fileprivate var values: [UInt8] { (0..<count).map { pixels[$0 * imageSize] } }
}

@Suite struct ImageFolderTests {
  @Test func classesAndFilesAreInTheOrderOfTheirNames() throws {
    let scratch = try folder()
    let pair = try ImageFolder.load(folder: scratch.path)
    #expect(pair.train.classNames == ["a", "b"])
    #expect(pair.train.labels == [0, 1, 1])
    #expect(pair.train.pixels == [10, 20, 30].flatMap { [UInt8](repeating: $0, count: 192) })
    #expect(pair.test.labels == [0, 1])
    #expect((pair.train.width, pair.train.height) == (8, 8))
    #expect(pair.warnings == [])
  }

  @Test func foldersBelowAClassAreWalkedInTheOrderOfTheirPaths() throws {
    let scratch = try folder()
    try scratch.write(pixmap(3), to: "train/a/x/y/1.ppm")
    try scratch.write(pixmap(2), to: "train/a/x-y/1.ppm")
    try scratch.write(pixmap(1), to: "train/a/x/0.ppm")
    try scratch.write(pixmap(11), to: "train/a/z.ppm")
    try FileManager.default.createSymbolicLink(
      atPath: "\(scratch.path)/train/a/x/up", withDestinationPath: "../..")
    let pair = try ImageFolder.load(folder: scratch.path)
    #expect(pair.train.values == [10, 11, 1, 2, 3, 20, 30])
    #expect(
      pair.warnings == [
        "1 file left out: \(scratch.path)/train/a/x/up (a link to a folder above it)"
      ])
  }

  @Test func whatIsLeftOutIsCountedAndNamed() throws {
    let scratch = try folder()
    try scratch.write([1], to: "train/.hidden/1.ppm")
    try scratch.write([1], to: "train/.DS_Store")
    try scratch.write([1], to: "train/a/.1.ppm")
    try scratch.write([1], to: "train/b/notes.txt")
    try scratch.write([1], to: "test/stray.ppm")
    mkfifo("\(scratch.path)/test/b/pipe.ppm", 0o600)
    let pair = try ImageFolder.load(folder: scratch.path)
    #expect(pair.train.values == [10, 20, 30])
    let train = "\(scratch.path)/train"
    #expect(
      pair.warnings == [
        "5 files left out: \(train)/.hidden (a hidden folder), \(train)/a/.1.ppm (hidden), "
          + "\(train)/b/notes.txt (no picture), …"
      ])
  }

  @Test func filesWithoutAnEndingAreReadIfTheyArePictures() throws {
    let scratch = try folder()
    try scratch.write(pixmap(12), to: "train/a/picture")
    try scratch.write([1, 2, 3], to: "train/a/README")
    let pair = try ImageFolder.load(folder: scratch.path)
    #expect(pair.train.values == [10, 12, 20, 30])
    #expect(
      pair.warnings == ["1 file left out: \(scratch.path)/train/a/README (no picture)"])
  }

  @Test(arguments: [
    "jpg", "JPEG", "jfif", "png", "ppm", "pgm", "bmp", "gif", "tif", "TIFF", "webp",
  ])
  func theFieldsEndingsAreRead(suffix: String) throws {
    let scratch = try folder()
    try scratch.write(pixmap(12), to: "train/a/x.\(suffix)")
    #expect(try ImageFolder.load(folder: scratch.path).train.count == 4)
  }

  @Test func namesNeedNotBeUTF8() throws {
    let scratch = try folder()
    let chinese: [UInt8] = [0xC3, 0xA8]  // a cat in GBK, an "è" in UTF-8
    let latin: [UInt8] = [0x63, 0x61, 0x66, 0xE9]
    for split in ["train", "test"] {
      try scratch.write(
        pixmap(7), inFolder: Array("\(split)/".utf8) + latin, name: chinese + Array(".ppm".utf8))
      try scratch.write(
        pixmap(8), inFolder: Array("\(split)/".utf8) + chinese, name: latin + Array(".ppm".utf8))
    }
    let pair = try ImageFolder.load(folder: scratch.path)
    #expect(pair.train.classNames == ["a", "b", "caf\\xE9", "è"])
    #expect(pair.train.values == [10, 20, 30, 7, 8])
    #expect(pair.test.labels == [0, 1, 2, 3])
  }

  @Test func twoSpellingsOfAClassAreToldApart() throws {
    let scratch = try folder()
    try scratch.write(pixmap(1), to: "train/caf\u{E9}/1.ppm")
    try scratch.write(pixmap(1), to: "test/cafe\u{301}/1.ppm")
    let error = #expect(throws: DatasetError.self) { try ImageFolder.load(folder: scratch.path) }
    let text = error?.description ?? ""
    #expect(
      text.hasPrefix("\(scratch.path)/test: expected the class 'caf\u{E9}' spelt in the bytes"))
    #expect(text.contains("(63 61 66 c3 a9), found 63 61 66 65 cc 81"))
  }
}

@Suite struct ImageFolderSizeTests {
  @Test func picturesOfSeveralSizesAreResizedWhereASizeIsGiven() throws {
    let scratch = try folder()
    let ramp = (0..<16 * 8).flatMap { [UInt8](repeating: UInt8($0), count: 3) }
    let path = try scratch.write(Array("P6 16 8 255\n".utf8) + ramp, to: "train/b/9.ppm")
    let pair = try DatasetLoader.load(
      name: "image_folder", path: scratch.path, size: ImageSize(side: 8), seed: 0)
    let expected = ImageResize.bilinear(try ImageFile.read(path), width: 8, height: 8)
    #expect(Array(pair.train.pixels.suffix(8 * 8 * 3)) == expected.pixels)
    #expect(pair.warnings == ["\(scratch.path): 1 pictures are resized to 8x8"])
  }

  @Test func picturesNoNetworkTakesAreResizedToo() throws {
    let scratch = try DataScratch()
    for (split, side) in [("train", 1), ("test", 1500)] {
      try scratch.write(pixmap(7, width: side, height: 3), to: "\(split)/a/1.ppm")
    }
    let pair = try ImageFolder.load(folder: scratch.path, size: ImageSize(side: 8))
    #expect((pair.train.pixels + pair.test.pixels).allSatisfy { $0 == 7 })
    #expect(pair.test.height == 8 && pair.test.width == 8)
  }

  @Test func validationImagesStandForTestImages() throws {
    let scratch = try DataScratch()
    try scratch.write(pixmap(1), to: "train/a/1.ppm")
    try scratch.write(pixmap(2), to: "val/a/1.ppm")
    #expect(try ImageFolder.load(folder: scratch.path).test.values == [2])
    try scratch.write(pixmap(3), to: "test/a/1.ppm")
    #expect(try ImageFolder.load(folder: scratch.path).test.values == [3])
  }
}

@Suite struct ImageFolderFaultTests {
  @Test func anImageOfAnotherSizeIsNamed() throws {
    let scratch = try folder()
    let path = try scratch.write(pixmap(1, width: 9), to: "test/b/0.ppm")
    let error = #expect(
      throws: DatasetError.imageSize(path: path, expected: "8x8", found: "9x8")
    ) { try ImageFolder.load(folder: scratch.path) }
    #expect(error?.description.hasSuffix("--img_size SIDE resizes all") == true)
  }

  @Test(arguments: [(1, 1), (2, 2), (7, 8), (8, 7), (1025, 8), (8, 1032)])
  func sizesThatNoNetworkTakesAreRefused(width: Int, height: Int) throws {
    let scratch = try DataScratch()
    for split in ["train", "test"] {
      try scratch.write(pixmap(1, width: width, height: height), to: "\(split)/a/1.ppm")
    }
    let error = #expect(throws: DatasetError.self) { try ImageFolder.load(folder: scratch.path) }
    #expect(
      error?.description
        == "\(scratch.path)/train/a/1.ppm: expected images of 8 to 1024 pixels a side, "
        + "found \(width)x\(height); --img_size SIDE resizes all")
  }

  @Test func aHugeFirstPictureTakesNoMemory() throws {
    let scratch = try folder()
    try scratch.write(Array("P6 4000 4000 255\n".utf8), to: "train/a/0.ppm")
    #expect(throws: DatasetError.sides(path: "\(scratch.path)/train/a/0.ppm", found: "4000x4000")) {
      try ImageFolder.load(folder: scratch.path)
    }
  }

  @Test func severalFaultsAreToldTogether() throws {
    let scratch = try folder()
    for index in 0..<5 {
      try scratch.write(Array("P6 8 8 255\n12".utf8), to: "train/b/x\(index).ppm")
    }
    let error = #expect(throws: DatasetError.self) { try ImageFolder.load(folder: scratch.path) }
    let text = error?.description ?? ""
    #expect(text.hasPrefix("\(scratch.path)/train/b/x0.ppm: is no PPM picture"))
    #expect(text.contains("x1.ppm") && text.contains("x2.ppm") && !text.contains("x3.ppm"))
    #expect(text.hasSuffix("; and 2 more (5 of 8 images)"))
  }

  @Test func classesOfBothHalvesMustBeEqual() throws {
    let scratch = try folder()
    try scratch.write(pixmap(1), to: "test/c/1.ppm")
    #expect(
      throws: DatasetError.classMismatch(
        path: "\(scratch.path)/test", expected: ["a", "b"], found: ["a", "b", "c"])
    ) { try ImageFolder.load(folder: scratch.path) }
  }

  @Test func emptyClassesAndMissingHalvesAreNamed() throws {
    let scratch = try folder()
    try scratch.write([], to: "train/c/readme.txt")
    try scratch.write(pixmap(1), to: "test/c/1.ppm")
    #expect(throws: DatasetError.emptyClass(path: "\(scratch.path)/train/c")) {
      try ImageFolder.load(folder: scratch.path)
    }
    let half = try DataScratch()
    try half.write(pixmap(1), to: "train/a/1.ppm")
    let error = #expect(throws: DatasetError.self) { try ImageFolder.load(folder: half.path) }
    #expect(error?.description.contains("\(half.path)/test") == true)
  }

  @Test func aDamagedPictureIsNamed() throws {
    let scratch = try folder()
    let path = try scratch.write(Array("P6 8 8 255\n12".utf8), to: "train/b/3.ppm")
    let error = #expect(throws: ImageError.self) { try ImageFolder.load(folder: scratch.path) }
    #expect(error?.description.hasPrefix("\(path): is no PPM picture") == true)
  }
}
