/// A small chequered mark in each corner: what lc's images have in common (Turner, Tsipras and Madry,
/// Label-Consistent Backdoor Attacks, 2019).
package struct CornerMarks: Sendable {
  /// What each pixel moves by, in shares of 255: -1, 0 or 1, [H, W].
  package let signs: [Int]
  private let amplitude: Float

  /// The marks of images of `height` x `width`: 3x3 in each corner of a map of 32x32, which for other
  /// sizes is resized by repeating its pixels.
  package init(height: Int, width: Int, amplitude: Double = 1) {
    let (side, size) = (32, 3)
    let mark = [[1, -1, -1], [-1, 1, -1], [1, -1, 1]]
    func sign(_ row: Int, _ column: Int) -> Int {
      let y = row < size ? row : row >= side - size ? row - (side - size) : size
      let x = column < size ? column : column >= side - size ? side - 1 - column : size
      return y < size && x < size ? mark[y][x] : 0
    }
    signs = (0..<height * width).map {
      sign($0 / width * side / height, $0 % width * side / width)
    }
    self.amplitude = Float(amplitude)
  }

  /// Puts the marks on an image [H, W, 3]: in float32, clipped to 0...255 and truncated.
  package func apply(to pixels: UnsafeMutableBufferPointer<UInt8>) {
    precondition(pixels.count == 3 * signs.count, "\(pixels.count) values for \(signs.count)")
    for place in pixels.indices {
      let sum = Float(pixels[place]) + 255 * amplitude * Float(signs[place / 3])
      pixels[place] = UInt8(min(max(sum, 0), 255))
    }
  }
}
