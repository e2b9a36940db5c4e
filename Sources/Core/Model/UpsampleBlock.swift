import Distributed

/// Maps of twice the height and width, by linear interpolation (PyTorch `Upsample(scale_factor=2,
/// mode="bilinear")`): x [N, H, W, C] → y [N, 2H, 2W, C].
///
/// Pixels are areas: output pixel i lies at (i + 0.5) / 2 - 0.5 of the input, beyond whose edge the
/// edge goes on.
final class UpsampleBlock: Block {
  private let rows, columns: [Tap]
  private var output: Tensor
  private let channels: Int

  /// Where an output row or column comes from: (1 - weight) of `first` and `weight` of `second`.
  private struct Tap {
    let first, second: Int
    let weight: Float

    /// The taps of a side of `length`.
    static func all(_ length: Int) -> [Tap] {
      (0..<2 * length).map { index in
        let place = max((Float(index) + 0.5) / 2 - 0.5, 0)
        let first = min(Int(place), length - 1)
        return Tap(
          first: first, second: min(first + 1, length - 1), weight: place - Float(first))
      }
    }
  }

  /// A block for maps of `input`'s height, width and channels.
  init(input: Shape) {
    (rows, columns, channels) = (Tap.all(input.height), Tap.all(input.width), input.channels)
    output = Tensor(
      Shape(
        batch: 0, height: 2 * input.height, width: 2 * input.width, channels: input.channels))
  }

  func outputShape(batch: Int) -> Shape { output.shape.withBatch(batch) }

  func reserve(_ capacity: Int, mode: PassMode) {
    output = Tensor(outputShape(batch: capacity), reusing: output)
  }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor {
    output = output.withBatch(x.shape.batch)
    let (height, width) = (rows.count, columns.count)
    pass.context.pool.forEachShare(of: x.shape.batch * height) { [self] share, _ in
      for row in share {
        let (image, y) = row.quotientAndRemainder(dividingBy: height)
        let source = x.pointer(image: image)
        let target = output.pointer + row * width * channels
        for column in 0..<width {
          forEachCorner(y, column) { place, weight, isFirst in
            for c in 0..<channels {
              let value = weight * source[place * channels + c]
              target[column * channels + c] =
                isFirst ? value : target[column * channels + c] + value
            }
          }
        }
      }
    }
    return output
  }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    guard let gradient = input.place(in: workspace) else { return outputGradient }
    let pixels = rows.count / 2 * (columns.count / 2)
    pass.context.pool.forEachShare(of: gradient.shape.batch) { [self] images, thread in
      for image in images {
        let target = gradient.pointer(image: image)
        target.update(repeating: 0, count: pixels * channels)
        for y in rows.indices {
          for column in columns.indices {
            let place = ((image * rows.count + y) * columns.count + column) * channels
            let source = outputGradient.pointer + place
            forEachCorner(y, column) { place, weight, _ in
              for c in 0..<channels { target[place * channels + c] += weight * source[c] }
            }
          }
        }
        ready(gradient, image * pixels..<(image + 1) * pixels, thread)
      }
    }
    return gradient
  }

  /// Calls `body` with the four input pixels of an output pixel, and their weights.
  @inline(__always)
  private func forEachCorner(
    _ y: Int, _ x: Int, _ body: (_ place: Int, _ weight: Float, _ isFirst: Bool) -> Void
  ) {
    let (row, column, width) = (rows[y], columns[x], columns.count / 2)
    let (down, right) = (row.weight, column.weight)
    body(row.first * width + column.first, (1 - down) * (1 - right), true)
    body(row.first * width + column.second, (1 - down) * right, false)
    body(row.second * width + column.first, down * (1 - right), false)
    body(row.second * width + column.second, down * right, false)
  }
}
