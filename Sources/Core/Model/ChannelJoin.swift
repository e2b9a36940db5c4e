import Distributed

/// Maps put beside each other channel by channel, and maps of pixels repeated to a larger size:
/// steps of networks with skip connections.
package enum ChannelJoin {
  /// [N, H, W, C₁ + C₂ + …] of maps of one height and width, written into `result`.
  package static func join(_ parts: [Tensor], into result: Tensor) {
    forEachPart(parts, of: result) { part, whole, count in whole.update(from: part, count: count) }
  }

  /// The gradients of the parts that `join` has joined: each one's own is written, or added to what
  /// is there where `adding` says so.
  package static func split(_ gradient: Tensor, into parts: [Tensor], adding: [Bool]) {
    for (index, isAdded) in adding.enumerated() where !isAdded {
      parts[index].pointer.update(repeating: 0, count: parts[index].shape.count)
    }
    forEachPart(parts, of: gradient) { part, whole, count in
      for place in 0..<count { part[place] += whole[place] }
    }
  }

  private static func forEachPart(
    _ parts: [Tensor], of whole: Tensor,
    _ body: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
  ) {
    let channels = whole.shape.channels
    precondition(parts.reduce(0) { $0 + $1.shape.channels } == channels, "parts of \(whole.shape)")
    var first = 0
    for part in parts {
      let own = part.shape.channels
      for pixel in 0..<whole.shape.pixels {
        body(part.pointer + pixel * own, whole.pointer + pixel * channels + first, own)
      }
      first += own
    }
  }

  /// x [N, H, W, C] → y [N, sH, sW, C], each pixel repeated s times in both directions.
  package static func enlarge(_ x: Tensor, into y: Tensor) {
    forEachPixel(x, y) { small, large, count in large.update(from: small, count: count) }
  }

  /// The gradient of what `enlarge` has enlarged: each pixel's copies summed.
  package static func shrink(_ yGradient: Tensor, into xGradient: Tensor) {
    xGradient.pointer.update(repeating: 0, count: xGradient.shape.count)
    forEachPixel(xGradient, yGradient) { small, large, count in
      for place in 0..<count { small[place] += large[place] }
    }
  }

  private static func forEachPixel(
    _ small: Tensor, _ large: Tensor,
    _ body: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
  ) {
    let (channels, width, height) = (
      small.shape.channels, large.shape.width, large.shape.height
    )
    let (down, across) = (height / small.shape.height, width / small.shape.width)
    for row in 0..<large.shape.batch * height {
      let (image, y) = row.quotientAndRemainder(dividingBy: height)
      let from = (image * small.shape.height + y / down) * small.shape.width
      for x in 0..<width {
        body(
          small.pointer + (from + x / across) * channels,
          large.pointer + (row * width + x) * channels, channels)
      }
    }
  }
}
