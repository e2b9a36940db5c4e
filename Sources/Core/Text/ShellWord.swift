import Foundation

/// Words as a shell takes them.
public enum ShellWord {
  /// The word in one line, in quotes where it needs them.
  public static func quoted(_ word: String) -> String {
    let plain = word.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || ("0"..."9").contains($0)
        || "-_./=:,+@%".unicodeScalars.contains($0)
    }
    guard !plain || word.isEmpty else { return word }
    let line = word.map { $0.isNewline ? " " : String($0) }.joined()
    return "'\(line.replacingOccurrences(of: "'", with: "'\\''"))'"
  }
}
