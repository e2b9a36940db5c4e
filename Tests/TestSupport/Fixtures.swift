import Foundation
import Synchronization

/// The folder of larger genuine fixtures, named by the variable `FST_FIXTURES`.
public enum Fixtures {
  /// The folder, or nil where the variable is unset.
  public static let folder: URL? = ProcessInfo.processInfo.environment["FST_FIXTURES"]
    .map { URL(fileURLWithPath: $0, isDirectory: true) }

  private static let told = Mutex<Set<String>>([])

  /// Whether fixtures are there; prints a loud line naming `suite` where they are not.
  ///
  /// For `@Suite(.enabled(if: Fixtures.available(for: "…")))`.
  public static func available(for suite: String) -> Bool {
    if folder != nil { return true }
    guard told.withLock({ $0.insert(suite).inserted }) else { return false }
    FileHandle.standardError.write(
      Data("SKIPPED: \(suite): FST_FIXTURES names no folder of fixtures\n".utf8))
    return false
  }

  /// Factors by which images may differ where a fixture's own lie a rounding from a kink: up to eight
  /// units in the last place, smaller and larger.
  public static let scalesWithinRounding = (-8...8).map { 1 + Float($0) * 1.2e-7 }

  /// The path of a fixture; only to be called where `available` was true.
  public static func path(_ relative: String) -> String {
    (folder ?? URL(fileURLWithPath: "/nonexistent")).appendingPathComponent(relative).path
  }
}
