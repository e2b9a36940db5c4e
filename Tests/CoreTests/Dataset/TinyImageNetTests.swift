import Core
import Testing

/// Tiny-ImageNet as its archive has it and with the validation pictures moved.
@Suite struct TinyImageNetTests {
  private let classes = ["n02", "n10", "n01"]

  /// Training pictures of values 1 to 4 of two classes, and lists.
  private func scratch(list: Bool = true) throws -> DataScratch {
    let scratch = try DataScratch()
    if list { try scratch.write(Array("n02\r\nn10\nn01\n".utf8), to: "t/wnids.txt") }
    try scratch.write(
      Array("n01\ta fish, of gold\nn99\tnone\nn02\ta cat\n".utf8), to: "t/words.txt")
    for (name, value) in [("n02_10", 1), ("n02_2", 2), ("n02_1", 3)] {
      try scratch.write(pixmap(UInt8(value)), to: "t/train/n02/images/\(name).JPEG")
    }
    try scratch.write(pixmap(4, width: 64, height: 64), to: "t/train/n01/images/n01_0.JPEG")
    try scratch.write(Array("n01_0.JPEG\t0\t0\t1\t1\n".utf8), to: "t/train/n01/n01_boxes.txt")
    return scratch
  }

  private func load(_ scratch: DataScratch, _ below: String = "/t") throws -> DatasetPair {
    try DatasetLoader.load(name: "tiny", path: scratch.path + below, seed: 0)
  }

  private func values(_ images: LabeledImages) -> [UInt8] {
    (0..<images.count).map { images.pixels[images.range(of: $0).lowerBound] }
  }

  private let annotations = "val_2.JPEG\tn02\t0\t0\t1\t1\nval_10.JPEG\tn02\t0\nval_0.JPEG\tn01\t0\n"

  @Test func bothFormsOfTheValidationPicturesAreOne() throws {
    let official = try scratch()
    let moved = try scratch()
    for (name, wnid, value) in [("val_0", "n01", 5), ("val_2", "n02", 6), ("val_10", "n02", 7)] {
      try official.write(pixmap(UInt8(value)), to: "t/val/images/\(name).JPEG")
      try moved.write(pixmap(UInt8(value)), to: "t/val/\(wnid)/\(name).JPEG")
    }
    try official.write(Array(annotations.utf8), to: "t/val/val_annotations.txt")
    for folder in [official, moved] {
      let pair = try load(folder)
      // Places among the sorted wnids, and names as text: _10 before _2.
      #expect(pair.train.labels == [0, 1, 1, 1] && values(pair.train) == [4, 3, 1, 2])
      #expect(pair.test.labels == [0, 1, 1] && values(pair.test) == [5, 7, 6])
      #expect(pair.train.classCount == 200 && pair.train.height == 64)
      #expect(Array(pair.train.classNames.prefix(3)) == ["a fish, of gold", "a cat", "n10"])
      #expect(pair.warnings.count == 1, "\(pair.warnings)")
    }
  }

  @Test func theFolderMayBeFoundBelow() throws {
    let scratch = try DataScratch()
    for place in ["tiny-imagenet-200", "tiny/tiny-imagenet-200"] {
      try scratch.write(pixmap(1), to: "\(place)/train/n01/a.JPEG")
      try scratch.write(pixmap(1), to: "\(place)/val/n01/a.JPEG")
    }
    #expect(try load(scratch, "").train.count == 1)
    #expect(try load(scratch, "/tiny").train.count == 1)
    #expect(try load(scratch, "/tiny/tiny-imagenet-200").train.labels == [0])
  }

  @Test func picturesWithoutAnnotationsAreRefused() throws {
    let scratch = try scratch()
    try scratch.write(pixmap(5), to: "t/val/images/val_0.JPEG")
    let error = #expect(throws: DatasetError.self) { try load(scratch) }
    #expect(error?.description.contains("expected val_annotations.txt") == true)
    try scratch.write(Array("val_0.JPEG\tn77\t0\n".utf8), to: "t/val/val_annotations.txt")
    let other = #expect(throws: DatasetError.self) { try load(scratch) }
    #expect(other?.description.contains("val_annotations.txt:1: expected") == true)
  }

  @Test func picturesWithoutAClassAreCounted() throws {
    let scratch = try scratch()
    try scratch.write(pixmap(5), to: "t/val/images/val_0.JPEG")
    try scratch.write(pixmap(5), to: "t/val/images/val_1.JPEG")
    try scratch.write(pixmap(5), to: "t/train/n33/images/n33_1.JPEG")
    try scratch.write(Array("val_0.JPEG\tn01\t0\n".utf8), to: "t/val/val_annotations.txt")
    let warnings = try load(scratch).warnings
    #expect(warnings.contains { $0.contains("2 files left out") && $0.contains("val_1.JPEG") })
  }
}
