/// Transposes matrices of floats.
enum Transposition {
  /// result[n, column, row] = source[n, row, column]; rows and columns are multiples of 8.
  static func swapLastTwo(
    _ source: UnsafeMutablePointer<Float>, count: Int, rows: Int, columns: Int,
    into result: UnsafeMutablePointer<Float>, context: ComputeContext
  ) {
    context.pool.forEachShare(of: count * rows / 8) { blocks, _ in
      for block in blocks {
        let (matrix, index) = block.quotientAndRemainder(dividingBy: rows / 8)
        swap(
          source + (matrix * rows + 8 * index) * columns, rows: 8, columns: columns,
          into: result + matrix * rows * columns + 8 * index, stride: rows)
      }
    }
  }

  /// result[column, row] = source[row, column]; rows and columns are multiples of 8, and rows of
  /// the result lie `stride` floats apart.
  ///
  /// Works by 8x8 blocks, so that neither side's cache lines are used only in part.
  static func swap(
    _ source: UnsafeMutablePointer<Float>, rows: Int, columns: Int,
    into result: UnsafeMutablePointer<Float>, stride: Int
  ) {
    for row in Swift.stride(from: 0, to: rows, by: 8) {
      for column in Swift.stride(from: 0, to: columns, by: 8) {
        block8(
          source + row * columns + column, columns, result + column * stride + row, stride)
      }
    }
  }

  /// One 8x8 block: gathers a column, writes it as a row.
  @inline(__always)
  private static func block8(
    _ source: UnsafeMutablePointer<Float>, _ sourceStride: Int,
    _ target: UnsafeMutablePointer<Float>, _ targetStride: Int
  ) {
    for column in 0..<8 {
      let line = target + column &* targetStride
      let place = source + column
      line.store8(
        Float8(
          place[0], place[sourceStride], place[2 &* sourceStride], place[3 &* sourceStride],
          place[4 &* sourceStride], place[5 &* sourceStride], place[6 &* sourceStride],
          place[7 &* sourceStride]))
    }
  }
}
