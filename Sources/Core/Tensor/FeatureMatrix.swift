import Distributed

/// Points as rows of features, [n, d], row-major.
public struct FeatureMatrix: Sendable {
  /// n, the points.
  public let rows: Int
  /// d, the features of each point.
  public let columns: Int
  /// The memory, n x d floats.
  public let buffer: FloatBuffer

  /// Allocates zeros, [rows, columns].
  public init(rows: Int, columns: Int) {
    self.init(rows: rows, columns: columns, in: FloatBuffer(count: rows * columns))
  }

  /// Copies `values`, [rows, columns] row-major.
  public init(rows: Int, columns: Int, values: [Float]) {
    self.init(rows: rows, columns: columns, in: FloatBuffer(values))
  }

  /// [rows, columns] at the start of `buffer`.
  public init(rows: Int, columns: Int, in buffer: FloatBuffer) {
    precondition(
      rows >= 0 && columns >= 0 && buffer.count >= rows * columns,
      "[\(rows), \(columns)] in a buffer of \(buffer.count) floats")
    self.rows = rows
    self.columns = columns
    self.buffer = buffer
  }

  /// The first float.
  var pointer: UnsafeMutablePointer<Float> { buffer.pointer }

  /// The first feature of point `row`.
  func row(_ row: Int) -> UnsafeMutablePointer<Float> { pointer + row * columns }

  /// A copy of point `row`.
  public subscript(row: Int) -> [Float] {
    precondition((0..<rows).contains(row), "point \(row) of \(rows)")
    return Array(UnsafeBufferPointer(start: self.row(row), count: columns))
  }
}
