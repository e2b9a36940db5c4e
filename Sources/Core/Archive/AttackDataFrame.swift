import Foundation

/// A run's metrics, one row an epoch, in the columns and number formats of the originals.
///
/// A missing number is an empty cell, where the originals write `nan_value`: with a word in it, a
/// column is text to pandas, and has no mean.
///
/// `attack_df.csv` grows by one row on disk as each epoch ends; `attack_df_summary.csv` holds the
/// last row, each column's maximum and whether a value was missing.
public struct AttackDataFrame: Equatable, Sendable {
  /// One value: counts are written as integers, the rest as Python writes floats.
  public enum Value: Equatable, Sendable {
    case count(Int)
    case number(Double)
  }

  /// The columns of attack_df.csv.
  public static let attackColumns = [
    "epoch", "batch", "train_epoch_loss_avg_over_batch", "train_acc", "train_acc_clean_only",
    "train_asr_bd_only", "train_ra_bd_only", "clean_test_loss_avg_over_batch",
    "bd_test_loss_avg_over_batch", "test_acc", "test_asr", "test_ra",
  ]
  /// The same of an attack that is also judged by images that are like the triggered ones.
  public static let crossColumns = [
    "epoch", "batch", "train_epoch_loss_avg_over_batch", "train_acc", "train_acc_clean_only",
    "train_asr_bd_only", "train_ra_bd_only", "train_cross_acc_only",
    "clean_test_loss_avg_over_batch", "bd_test_loss_avg_over_batch",
    "cross_test_loss_avg_over_batch", "test_acc", "test_asr", "test_ra", "test_cross_acc",
  ]
  /// The columns of ft_df.csv, which BackdoorBench's fine-tuning writes.
  public static let fineTuningColumns = [
    "epoch", "batch", "train_epoch_loss_avg_over_batch", "train_acc",
    "clean_test_loss_avg_over_batch", "bd_test_loss_avg_over_batch", "test_acc", "test_asr",
    "test_ra",
  ]

  /// The names of the columns.
  public let columns: [String]
  /// The rows; each has a value for every column.
  public private(set) var rows: [[Value]] = []

  /// A frame without rows.
  public init(columns: [String] = Self.attackColumns) { self.columns = columns }

  /// Adds a row in memory; it must have a value for every column.
  public mutating func append(_ row: [Value]) {
    precondition(row.count == columns.count, "\(row.count) values for \(columns.count) columns")
    rows.append(row)
  }

  /// Adds a row in memory and at the end of the file at `path`, on disk when this returns.
  ///
  /// The file must be the one this frame was last written to.
  public mutating func append(_ row: [Value], to path: String) throws {
    append(row)
    try Self.appendDurably(Self.line("\(rows.count - 1)", row.map(Self.text)), to: path)
  }

  /// Writes header and rows to `path` atomically.
  public func write(to path: String) throws {
    let lines = rows.enumerated().map { Self.line("\($0)", $1.map(Self.text)) }
    try AtomicFile.write(Self.line("", columns) + lines.joined(), to: path)
  }

  /// Writes the summary of all rows to `path` atomically; of no rows only the header.
  public func writeSummary(to path: String) throws {
    var text = Self.line("", columns)
    if let last = rows.last {
      let byColumn = columns.indices.map { column in rows.map { $0[column] } }
      text += Self.line("last", last.map(Self.text))
      text += Self.line("valid_max", byColumn.map { Self.text(Self.maximum($0)) })
      text += Self.line(
        "exist_nan_value", byColumn.map { $0.contains(where: \.isMissing) ? "True" : "False" })
    }
    try AtomicFile.write(text, to: path)
  }

  private static func maximum(_ values: [Value]) -> Value {
    values.filter { !$0.isMissing }.max { $0.number < $1.number } ?? .number(.nan)
  }

  private static func text(_ value: Value) -> String {
    switch value {
    case .count(let count): "\(count)"
    case .number(let number): number.isNaN ? "" : PythonFloat.repr(number)
    }
  }

  private static func line(_ index: String, _ cells: [String]) -> String {
    ([index] + cells).joined(separator: ",") + "\n"
  }

  private static func appendDurably(_ text: String, to path: String) throws {
    let descriptor = try RegularFile.openOwn(path, O_WRONLY | O_APPEND)
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    let end = lseek(descriptor, 0, SEEK_END)
    // One write, so that a kill leaves the whole row or none.
    let count = Foundation.write(descriptor, bytes, bytes.count)
    guard count == bytes.count, fsync(descriptor) == 0 else {
      let code = count >= 0 && count < bytes.count ? ENOSPC : errno
      ftruncate(descriptor, end)  // a full disk may have taken a part of the row
      throw FileError(operation: "append to", path: path, code: code)
    }
  }
}

extension AttackDataFrame.Value {
  /// The value as a float.
  public var number: Double {
    switch self {
    case .count(let count): Double(count)
    case .number(let number): number
    }
  }

  fileprivate var isMissing: Bool { number.isNaN }
}
