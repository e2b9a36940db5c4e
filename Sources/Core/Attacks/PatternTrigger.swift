/// A pattern of any sign added to the image: in float64, clipped to 0...255 and truncated.
package struct PatternTrigger: Trigger {
  /// What is added: [H, W, 3], in grey levels.
  package let pattern: [Double]
  private let height: Int, width: Int

  /// Adds `pattern` [H, W, 3] to images of `height` x `width`.
  package init(_ pattern: [Double], height: Int, width: Int) {
    precondition(pattern.count == height * width * 3, "\(pattern.count) for \(height)x\(width)")
    (self.pattern, self.height, self.width) = (pattern, height, width)
  }

  /// The pattern in the file of numpy's format at `path`: [H, W, 3], the first of [N, H, W, 3], or
  /// [H, W] for all channels.
  ///
  /// Throws `NumpyFileError` unless it is finite and for images of `height` x `width`.
  package init(_ path: String, height: Int, width: Int) throws {
    let array = try NumpyFile.read(path)
    let shape = array.shape.count == 4 ? Array(array.shape.dropFirst()) : array.shape
    let count = height * width * 3
    guard var values = array.doubles, shape == [height, width, 3] || shape == [height, width],
      values.count >= shape.reduce(1, *)
    else {
      throw NumpyFileError(
        path: path,
        reason: "expected numbers of \([height, width, 3]), found \(array.type.name) of "
          + "\(array.shape)")
    }
    if shape.count == 2 { values = values.flatMap { [$0, $0, $0] } }
    values = Array(values.prefix(count))
    guard values.allSatisfy(\.isFinite) else {
      throw NumpyFileError(path: path, reason: "expected finite numbers, found others")
    }
    self.init(values, height: height, width: width)
  }

  /// The file that keeps it beside a run.
  var artefact: Artefact {
    Artefact(LowFrequency.fileName) { path in
      try NumpyFile.write(NumpyArray(pattern, shape: [height, width, 3]), to: path)
    }
  }

  /// Adds the pattern to one image; training and test images are treated alike.
  package func apply(
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, image: TriggeredImage
  ) {
    precondition(
      height == self.height && width == self.width && pixels.count == pattern.count,
      "a pattern of \(self.height)x\(self.width) on an image of \(height)x\(width)")
    for (place, value) in pattern.enumerated() {
      pixels[place] = UInt8(min(max(Double(pixels[place]) + value, 0), 255))
    }
  }
}
