import Core
import Foundation
import Testing

@Suite struct PoisonFolderTests {
  private let labels = LabelTransform.allToOne(target: 0)

  private func dataset(count: Int = 40) -> PoisonedDataset {
    let clean = indexedImages(labels: (0..<count).map { $0 % 4 }, classCount: 4, side: 4)
    return .test(clean, trigger: BadNetTrigger(height: 4, width: 4), labels: labels)
  }

  private func read(_ path: String, side: Int = 4) throws -> PoisonedDataset {
    try PoisonFolder.read(
      path, height: side, width: side, classNames: ["a", "b", "c", "d"], labels: labels)
  }

  @Test func whatIsWrittenIsReadBack() throws {
    let scratch = try DataScratch()
    let (dataset, path) = (dataset(), "\(scratch.path)/bd_test_dataset")
    try PoisonFolder.write(dataset, to: path)
    let found = try read(path)
    #expect(found.images.pixels == dataset.images.pixels)
    #expect(found.images.labels == dataset.images.labels)
    #expect(found.originalLabels == dataset.originalLabels)
    #expect(found.originalIndices == dataset.originalIndices)
    #expect(found.isPoisoned == dataset.isPoisoned)
    #expect(PoisonFolder.entries(of: dataset)[3].relativePath == "1/5.png")
    #expect(FileManager.default.fileExists(atPath: "\(path)/1/5.png"))
  }

  @Test func onlyTriggeredTrainingImagesAreWritten() throws {
    let scratch = try DataScratch()
    let clean = indexedImages(labels: (0..<12).map { $0 % 4 }, classCount: 4, side: 4)
    let dataset = PoisonedDataset.train(
      clean, poisoned: [2, 7], trigger: BadNetTrigger(height: 4, width: 4), labels: labels,
      originalIndices: (100..<112).map { $0 })
    try PoisonFolder.write(dataset, to: "\(scratch.path)/bd_train_dataset")
    let found = try read("\(scratch.path)/bd_train_dataset")
    #expect(found.originalIndices == [102, 107])
    #expect(found.originalLabels == [2, 3])
  }

  @Test func aNewRunReplacesAnOldAndAHalfWrittenFolder() throws {
    let scratch = try DataScratch()
    let path = "\(scratch.path)/bd_test_dataset"
    try PoisonFolder.write(dataset(count: 40), to: path)
    try scratch.write([1], to: ".bd_test_dataset.partial/3/999.png")
    try PoisonFolder.write(dataset(count: 8), to: path)
    #expect(try read(path).originalIndices == [1, 2, 3, 5, 6, 7])
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["bd_test_dataset"])
  }

  /// Links in the places of the folder, of its images and of the folders that killed runs leave.
  @Test func whereLinksLeadNothingIsWrittenOrRemoved() throws {
    let scratch = try DataScratch()
    let (outside, path) = ("\(scratch.path)/outside", "\(scratch.path)/run/bd_test_dataset")
    try scratch.write([7], to: "outside/1/5.png")
    try scratch.write([7], to: "run/x")
    for name in ["bd_test_dataset", ".bd_test_dataset.partial", ".bd_test_dataset.replaced"] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(scratch.path)/run/\(name)", withDestinationPath: outside)
      try PoisonFolder.write(dataset(count: 8), to: path)
      #expect(try read(path).originalIndices == [1, 2, 3, 5, 6, 7])
      #expect(try Data(contentsOf: URL(fileURLWithPath: "\(outside)/1/5.png")) == Data([7]))
      #expect(try FileManager.default.contentsOfDirectory(atPath: outside) == ["1"])
    }
    #expect(
      try Set(FileManager.default.contentsOfDirectory(atPath: "\(scratch.path)/run"))
        .subtracting([".bd_test_dataset.replaced"]) == ["bd_test_dataset", "x"])
  }

  @Test func noPoisonedImagesMakeAnEmptyFolder() throws {
    let scratch = try DataScratch()
    let clean = indexedImages(labels: [0, 1], classCount: 2)
    let dataset = PoisonedDataset.train(
      clean, poisoned: [], trigger: SinusoidalTrigger(), labels: labels)
    try PoisonFolder.write(dataset, to: "\(scratch.path)/bd_train_dataset")
    #expect(FileManager.default.fileExists(atPath: "\(scratch.path)/bd_train_dataset"))
    #expect(throws: PoisonFolderError.empty(path: "\(scratch.path)/bd_train_dataset")) {
      try read("\(scratch.path)/bd_train_dataset")
    }
  }

  @Test func foreignFilesAreIgnored() throws {
    let scratch = try DataScratch()
    let path = "\(scratch.path)/bd"
    try PoisonFolder.write(dataset(count: 8), to: path)
    for name in ["1/notes.txt", "1/007.png", "1/-3.png", "1/5.png.png", "x/1.png", "4.png"] {
      try scratch.write([1], to: "bd/\(name)")
    }
    #expect(try read(path).originalIndices == [1, 2, 3, 5, 6, 7])
  }

  @Test func wrongFoldersAndImagesAreNamed() throws {
    let scratch = try DataScratch()
    let path = "\(scratch.path)/bd"
    #expect(throws: PoisonFolderError.empty(path: path)) { try read(path) }
    try PoisonFolder.write(dataset(count: 8), to: path)
    #expect(throws: PoisonFolderError.self) { try read(path, side: 5) }
    let png = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/1/5.png")))
    try scratch.write(png, to: "bd/3/5.png")
    #expect(throws: PoisonFolderError.duplicate(path: "\(path)/3/5.png", index: 5)) {
      try read(path)
    }
    try scratch.write(png, to: "bd/4/6.png")
    #expect(
      throws: PoisonFolderError.labelOutOfRange(path: "\(path)/4/6.png", label: 4, classCount: 4)
    ) { try read(path) }
  }

  @Test func aDamagedImageIsNamed() throws {
    let scratch = try DataScratch()
    try PoisonFolder.write(dataset(count: 8), to: "\(scratch.path)/bd")
    let path = try scratch.write([0x89, 0x50, 0x4E, 0x47], to: "bd/1/5.png")
    let error = #expect(throws: ImageError.self) { try read("\(scratch.path)/bd") }
    #expect(error?.description.hasPrefix(path) == true)
  }
}
