import Core
import Testing

@Suite struct DatasetLoaderTests {
  private let record = [UInt8](repeating: 0, count: 3073)

  @Test(arguments: ["", "cifar10/", "cifar-10-batches-bin/"])
  func binaryFilesAreFoundInTheUsualFolders(below: String) throws {
    let scratch = try DataScratch()
    try scratch.write(record, to: "\(below)data_batch_1.bin")
    try scratch.write(record + record, to: "\(below)test_batch.bin")
    let pair = try DatasetLoader.load(name: "cifar10", path: scratch.path, seed: 0)
    #expect(pair.train.count == 1)
    #expect(pair.test.count == 2)
  }

  @Test func missingDataSaysWhereToGetIt() throws {
    let scratch = try DataScratch()
    let error = #expect(throws: DatasetError.missing(dataset: "cifar10", path: scratch.path)) {
      try DatasetLoader.load(name: "cifar10", path: scratch.path, seed: 0)
    }
    let text = error?.description ?? ""
    #expect(text.contains("https://www.cs.toronto.edu/~kriz/cifar.html"))
    #expect(text.contains("--dataset synthetic"))
    #expect(!text.contains("\n"))
  }

  @Test func unknownNamesListTheKnownOnes() {
    let error = #expect(throws: DatasetError.unknownName("cifar11")) {
      try DatasetLoader.load(name: "cifar11", path: "", seed: 0)
    }
    #expect(
      error?.description
        == "dataset 'cifar11' is unknown; known are cifar10, cifar100, gtsrb, tiny, mnist, "
        + "image_folder, synthetic")
  }

  @Test func imagesCalledCIFAR10NeedItsClassesAndSize() throws {
    let scratch = try DataScratch()
    for split in ["train", "test"] {
      for name in CIFAR10.classNames.dropLast() {
        try scratch.write(pixmap(1), to: "cifar10/\(split)/\(name)/a.ppm")
      }
    }
    #expect(throws: DatasetError.self) {
      try DatasetLoader.load(name: "cifar10", path: scratch.path, seed: 0)
    }
    for split in ["train", "test"] {
      try scratch.write(pixmap(1), to: "cifar10/\(split)/truck/a.ppm")
    }
    let error = #expect(throws: DatasetError.self) {
      try DatasetLoader.load(name: "cifar10", path: scratch.path, seed: 0)
    }
    #expect(error?.description.contains("32x32") == true)
  }

  @Test(arguments: ["cifar10", "image_folder"])
  func anArchivesOwnPathIsCalledSo(name: String) throws {
    let scratch = try DataScratch()
    func line(isArchivedPath: Bool) -> String {
      let error = #expect(throws: DatasetError.self) {
        try DatasetLoader.load(
          name: name, path: scratch.path, seed: 0, isArchivedPath: isArchivedPath)
      }
      return error?.description ?? ""
    }
    let hint = "'\(scratch.path)' is the archive's own data path, seen from this folder: give the"
    #expect(line(isArchivedPath: true).contains(hint))
    #expect(line(isArchivedPath: true).contains("--dataset_path"))
    #expect(!line(isArchivedPath: false).contains(hint))
  }
}
