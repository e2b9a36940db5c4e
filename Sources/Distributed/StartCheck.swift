import Foundation

// Note [Start check]: what all ranks must share before they train together is the build, the
// configuration, the data and the parameters. Each is compared as soon as a rank has it, by one
// all-gather of checksums: build and configuration before anything else, since what ranks do in
// common, and so every later collective, follows from them; data before anything is written;
// parameters once rank 0 has given them out.

extension Communicator {
  /// Throws `Disagreement`, on all ranks alike, unless all ranks run the same program file with the
  /// same `settings`; the first setting that differs is named with both values.
  ///
  /// See Note [Start check].
  public func requireSameStart(settings: [(key: String, value: String)]) throws {
    guard worldSize > 1 else { return }
    let text = settings.map { "\($0.key)\t\($0.value)" }.joined(separator: "\n")
    do {
      try requireAgreement(onEach: [
        ("build", Build.checksum ?? 0), ("configuration", Checksum.of(text)),
      ])
    } catch var difference as Disagreement {
      // All ranks are here, so one more collective is safe.
      let texts = try allGather(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
      if difference.subject == "build" {
        difference.detail = "another program file"
      } else if let odd = difference.oddRanks.first {
        difference.detail = Self.firstDifference(
          texts[odd], from: texts[difference.referenceRank], rank: difference.referenceRank)
      }
      throw difference
    }
  }

  /// The first setting that differs, in words.
  private static func firstDifference(
    _ odd: String, from reference: String, rank: Int
  ) -> String? {
    func table(_ text: String) -> [(key: String, value: String)] {
      text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
        let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts.first ?? ""), String(parts.last ?? ""))
      }
    }
    let (odd, reference) = (table(odd), table(reference))
    for (key, value) in reference {
      let found = odd.first { $0.key == key }?.value ?? "absent"
      if found != value { return "\(key) is \(found) there, \(value) on rank \(rank)" }
    }
    return odd.first { line in !reference.contains { $0.key == line.key } }
      .map { "\($0.key) is \($0.value) there, absent on rank \(rank)" }
  }
}

/// The identity of the running program.
public enum Build {
  /// The checksum of the running program's file; nil where it cannot be read.
  ///
  /// The file that runs, even where another has taken its place on disk since.
  public static let checksum: UInt64? = {
    #if os(Linux)
      let path = "/proc/self/exe"
    #else
      let path = Bundle.main.executablePath ?? CommandLine.arguments[0]
    #endif
    let content = try? Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
    return content.map { $0.withUnsafeBytes { Checksum.of($0) } }
  }()
}
