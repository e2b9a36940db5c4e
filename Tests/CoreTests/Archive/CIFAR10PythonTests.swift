import Core
import Testing

@Suite struct CIFAR10PythonTests {
  /// A batch as Python 2 pickled it; pixel (image, channel, position) is their sum modulo 251.
  private func batch(labels: [UInt8], rows: Int? = nil, columns: Int = 3072) -> [UInt8] {
    let rows = rows ?? labels.count
    var pixels: [UInt8] = []
    for image in 0..<rows {
      for index in 0..<columns {
        pixels.append(UInt8((image + index / 1024 + index % 1024) % 251))
      }
    }
    var list: [UInt8] = [0x5d, 0x28]
    for label in labels { list += [0x4b, label] }
    list.append(0x65)
    return HandMadePickle.whole(
      [0x7d, 0x28], short("batch_label"), short("testing batch 1 of 1"), short("labels"), list,
      short("data"), array(pixels, rows: rows, columns: columns), [0x75])
  }

  private func array(_ pixels: [UInt8], rows: Int, columns: Int) -> [UInt8] {
    var body = HandMadePickle.global("numpy.core.multiarray", "_reconstruct")
    body += HandMadePickle.global("numpy", "ndarray")
    body += [0x4b, 0, 0x85]
    body += short("b")
    body += [0x87, 0x52, 0x28, 0x4b, 1]
    body += HandMadePickle.int(Int32(rows))
    body += HandMadePickle.int(Int32(columns))
    body.append(0x86)
    body += HandMadePickle.global("numpy", "dtype")
    body += short("u1")
    body += [0x4b, 0, 0x4b, 1, 0x87, 0x52, 0x28, 0x4b, 3]
    body += short("|")
    body += [0x4e, 0x4e, 0x4e]
    body += HandMadePickle.int(-1)
    body += HandMadePickle.int(-1)
    body += [0x4b, 0, 0x74, 0x62, 0x89, 0x54]
    body += withUnsafeBytes(of: Int32(pixels.count).littleEndian) { Array($0) }
    body += pixels
    body += [0x74, 0x62]
    return body
  }

  private func short(_ text: String) -> [UInt8] {
    [0x55, UInt8(text.utf8.count)] + Array(text.utf8)
  }

  @Test func planesBecomePixels() throws {
    let scratch = try ArchiveScratch()
    _ = try scratch.file("data_batch_1", batch(labels: [3, 9]))
    _ = try scratch.file("data_batch_2", batch(labels: [1]))
    _ = try scratch.file("test_batch", batch(labels: [0, 5, 7]))
    let pair = try CIFAR10.loadPython(folder: scratch.folder)
    let (train, test) = (pair.train, pair.test)
    #expect(train.labels == [3, 9, 1] && test.labels == [0, 5, 7])
    #expect(train.height == 32 && train.width == 32 && train.classNames.count == 10)
    for image in 0..<2 {
      for position in 0..<1024 {
        for channel in 0..<3 {
          let value = train.pixels[image * 3072 + position * 3 + channel]
          #expect(Int(value) == (image + channel + position) % 251)
        }
      }
    }
    #expect(train.pixels[2 * 3072 + 3] == 1)
  }

  @Test func wrongFilesAreNamedWithWhatWasExpected() throws {
    let scratch = try ArchiveScratch()
    func message(_ content: [UInt8]) throws -> String {
      _ = try scratch.file("data_batch_1", content)
      let error = #expect(throws: ArchiveError.self) {
        try CIFAR10.loadPython(folder: scratch.folder)
      }
      return error?.description ?? ""
    }
    let place = scratch.path("data_batch_1")
    #expect(
      try message(batch(labels: [10])) == "\(place): label of image 0: expected 0 to 9, found 10")
    #expect(
      try message(batch(labels: [1], rows: 2))
        == "\(place): labels: expected 2, one an image, found 1")
    #expect(try message(batch(labels: [1], columns: 3000)).contains("found numpy.ndarray of uint8"))
    #expect(try message(Array(batch(labels: [1]).dropLast(10))).contains("cut short"))
    #expect(try message([]).contains("data_batch_1"))
    _ = try scratch.file("data_batch_1", batch(labels: [1]))
    let missing = #expect(throws: ArchiveError.self) {
      try CIFAR10.loadPython(folder: scratch.folder)
    }
    #expect(missing?.description.contains("test_batch: No such file") == true)
  }
}
