import Foundation

/// Dates as logs and messages write them, in the machine's time zone.
public enum TimeStamp {
  /// Such as `2024-05-31 23:59:01 +0200`.
  public static func full(_ date: Date) -> String { text(date, format: "yyyy-MM-dd HH:mm:ss Z") }

  /// `date` in a format of Unicode's TR35.
  public static func text(_ date: Date, format: String) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = format
    return formatter.string(from: date)
  }
}
