import Foundation

/// A warping of images: for each pixel the place that it is taken from, -1...1 over the image, x
/// before y: [height, width, 2].
package struct WarpingGrid: Equatable, Sendable {
  /// Rows and columns.
  package let height: Int, width: Int
  /// The places.
  package private(set) var places: [Float]

  /// A grid of `places`: [height, width, 2].
  package init(places: [Float], height: Int, width: Int) {
    precondition(places.count == height * width * 2, "\(places.count) for \(height)x\(width)")
    (self.places, self.height, self.width) = (places, height, width)
  }

  /// The grid that leaves images as they are.
  package static func identity(height: Int, width: Int) -> WarpingGrid {
    func line(_ index: Int, _ count: Int) -> Float {
      count > 1 ? Float(-1 + 2 * Double(index) / Double(count - 1)) : 0
    }
    var places: [Float] = []
    for y in 0..<height {
      for x in 0..<width { places += [line(x, width), line(y, height)] }
    }
    return WarpingGrid(places: places, height: height, width: width)
  }

  /// `self` moved by `uniform` values of 0..<1: by up to a pixel's share of the image either way.
  package func disturbed(_ uniform: (Int) -> Float) -> WarpingGrid {
    var grid = self
    for place in places.indices {
      let moved = places[place] + (uniform(place) * 2 - 1) / Float(height)
      grid.places[place] = min(max(moved, -1), 1)
    }
    return grid
  }

  /// The same, by draws for image `index`.
  func disturbed(seed: UInt64, epoch: Int, index: Int) -> WarpingGrid {
    var stream = RandomStream(seed: seed, purpose: .warping, epoch: epoch, index: index)
    return disturbed { _ in stream.nextFloat() }
  }

  /// `image` [height, width, channels] as the grid takes it, with linear interpolation; corners are
  /// at -1 and 1.
  package func warp(_ image: UnsafePointer<Float>, channels: Int) -> [Float] {
    var result = [Float](repeating: 0, count: height * width * channels)
    for pixel in 0..<height * width {
      let x = (places[2 * pixel] + 1) / 2 * Float(width - 1)
      let y = (places[2 * pixel + 1] + 1) / 2 * Float(height - 1)
      let (left, top) = (Int(x.rounded(.down)), Int(y.rounded(.down)))
      let (right, bottom) = (x - Float(left), y - Float(top))
      for (row, column, weight) in [
        (top, left, (1 - right) * (1 - bottom)), (top, left + 1, right * (1 - bottom)),
        (top + 1, left, (1 - right) * bottom), (top + 1, left + 1, right * bottom),
      ] where 0..<height ~= row && 0..<width ~= column {
        let source = (row * width + column) * channels
        for c in 0..<channels { result[pixel * channels + c] += weight * image[source + c] }
      }
    }
    return result
  }
}

/// wanet's field: random shifts on a few points, of mean size one, smooth between them.
package struct WarpingField: Equatable, Sendable {
  /// The shifts of each pixel, x before y: [height, width, 2].
  package let noise: WarpingGrid

  /// The field of `uniform` values of 0..<1 at side x side points, x shifts before y shifts:
  /// [2, side, side].
  package init(uniform: [Float], side: Int, height: Int, width: Int) {
    precondition(uniform.count == 2 * side * side, "\(uniform.count) values for side \(side)")
    let shifts = uniform.map { 2 * $0 - 1 }
    let mean = Float(shifts.reduce(0) { $0 + Double(abs($1)) } / Double(shifts.count))
    let (rows, columns) = (
      CubicTap.all(from: side, to: height), CubicTap.all(from: side, to: width)
    )
    var places: [Float] = []
    for row in rows {
      for column in columns {
        for axis in 0..<2 {
          var sum: Float = 0
          for (y, down) in zip(row.places, row.weights) {
            var line: Float = 0
            for (x, right) in zip(column.places, column.weights) {
              line += right * (shifts[(axis * side + y) * side + x] / mean)
            }
            sum += down * line
          }
          places.append(sum)
        }
      }
    }
    noise = WarpingGrid(places: places, height: height, width: width)
  }

  /// The field whose shifts are `noise`.
  init(noise: WarpingGrid) { self.noise = noise }

  /// The field that `seed` draws.
  init(side: Int, seed: UInt64, height: Int, width: Int) {
    var stream = RandomStream(seed: seed, purpose: .trigger)
    self.init(
      uniform: (0..<2 * side * side).map { _ in stream.nextFloat() }, side: side, height: height,
      width: width)
  }

  /// The warping by `strength` times the field, scaled by `rescale`.
  package func grid(strength: Double, rescale: Double) -> WarpingGrid {
    let identity = WarpingGrid.identity(height: noise.height, width: noise.width)
    let places = zip(identity.places, noise.places).map { place, shift in
      min(max((place + Float(strength) * shift / Float(noise.height)) * Float(rescale), -1), 1)
    }
    return WarpingGrid(places: places, height: noise.height, width: noise.width)
  }
}

/// Where a value between points comes from in cubic interpolation with a = -0.75, corners aligned;
/// beyond the edge the edge goes on.
private struct CubicTap {
  let places: [Int]
  let weights: [Float]

  static func all(from count: Int, to length: Int) -> [CubicTap] {
    (0..<length).map { index in
      let place =
        length > 1 ? Float(index) * (Float(count - 1) / Float(length - 1)) : 0
      let first = Int(place.rounded(.down))
      let part = place - Float(first)
      return CubicTap(
        places: (-1...2).map { min(max(first + $0, 0), count - 1) },
        weights: [outer(part + 1), inner(part), inner(1 - part), outer(2 - part)])
    }
  }

  private static func inner(_ x: Float) -> Float {
    let a: Float = -0.75
    return ((a + 2) * x - (a + 3)) * x * x + 1
  }

  private static func outer(_ x: Float) -> Float {
    let a: Float = -0.75
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
  }
}
