/// The pictures of one half of a dataset: what is there, nothing read yet.
struct PictureList {
  /// The files, in the order of the dataset.
  var files: [BytePath] = []
  /// The class of each: [files.count].
  var labels: [Int] = []
  /// What is not taken.
  var leftOut = LeftOut()

  /// Adds a picture of class `label`.
  mutating func add(_ file: BytePath, label: Int) {
    files.append(file)
    labels.append(label)
  }

  /// Adds all pictures below `folder` as ones of class `label`; says whether there are any.
  mutating func addAll(below folder: BytePath, label: Int) throws(DatasetError) -> Bool {
    let walk = try PictureWalk(folder)
    files += walk.files
    labels += repeatElement(label, count: walk.files.count)
    leftOut.add(walk.leftOut)
    return !walk.files.isEmpty
  }

  /// Counts the pictures in `folder` that are none of `taken`.
  mutating func leaveOut(
    in folder: BytePath, but taken: Set<BytePath>, _ reason: String
  ) throws(DatasetError) {
    for name in try FolderListing.names(in: folder)
    where name.isCalledPicture && !taken.contains(name) {
      leftOut.add(folder.appending(name), reason)
    }
  }
}

extension DatasetPair {
  /// Decodes the pictures of both halves as `request` says; `folder` is where they are.
  ///
  /// Files that are left out are told of in `warnings`, after `notes`; and how many pictures are
  /// resized, where it `tellsResizing`. Throws `DatasetError`, or `ImageError` for a file that cannot
  /// be decoded.
  init(
    train: PictureList, test: PictureList, in folder: String, classNames: [String],
    _ request: DatasetRequest, notes: [String] = [], tellsResizing: Bool = false
  ) throws {
    let train = request.isTestOnly ? PictureList(leftOut: train.leftOut) : train
    let decoder = try PictureDecoder(train.files + test.files, folder: folder, request)
    let pixels = try decoder.decode(train.files.indices)
    let testPixels = try decoder.decode(train.files.count..<train.files.count + test.files.count)
    var leftOut = train.leftOut
    leftOut.add(test.leftOut)
    let resized = tellsResizing ? decoder.resizedCount : 0
    self.init(
      train: decoder.images(pixels, labels: train.labels, classNames: classNames),
      test: decoder.images(testPixels, labels: test.labels, classNames: classNames),
      warnings: notes
        + [
          leftOut.warning("left out"),
          decoder.damaged.warning("with damaged data, read as far as that goes"),
          resized == 0 ? nil : "\(folder): \(resized) pictures are resized to \(decoder.size)",
        ].compactMap { $0 })
  }
}
