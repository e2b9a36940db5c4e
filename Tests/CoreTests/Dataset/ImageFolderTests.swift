import Core
import Testing

@Suite struct ImageFolderTests {
  private func pixmap(_ value: Int) -> [UInt8] {
    Array("P3 2 1 255 \(value) \(value) \(value) \(value) \(value) \(value)\n".utf8)
  }

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

  @Test func classesAndFilesAreInTheOrderOfTheirNames() throws {
    let scratch = try folder()
    try scratch.write([1], to: "train/b/notes.txt")
    try scratch.write([1], to: "train/.hidden/1.ppm")
    try scratch.write([1], to: "train/a/.1.ppm")
    let pair = try ImageFolder.load(folder: scratch.path)
    #expect(pair.train.classNames == ["a", "b"])
    #expect(pair.train.labels == [0, 1, 1])
    #expect(pair.train.pixels == [10, 20, 30].flatMap { [UInt8](repeating: $0, count: 6) })
    #expect(pair.test.labels == [0, 1])
    #expect((pair.train.width, pair.train.height) == (2, 1))
  }

  @Test func anImageOfAnotherSizeIsNamed() throws {
    let scratch = try folder()
    let path = try scratch.write(Array("P3 1 1 255 1 2 3".utf8), to: "test/b/0.ppm")
    #expect(throws: DatasetError.imageSize(path: path, expected: "2x1", found: "1x1")) {
      try ImageFolder.load(folder: scratch.path)
    }
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
    let path = try scratch.write(Array("P6 2 1 255\n12".utf8), to: "train/b/3.ppm")
    let error = #expect(throws: ImageError.self) { try ImageFolder.load(folder: scratch.path) }
    #expect(error?.description.hasPrefix("\(path): is no PPM picture") == true)
  }
}
