import Foundation

/// What the logs in a run's folder say: program and host, the command, each epoch's learning rate
/// and timing, and what a defence came to.
///
/// Only lines in the program's own words are taken; a folder may hold other logs too.
package struct RunLogText {
  /// What a line says of an epoch.
  package struct Epoch: Equatable {
    package let number: Int
    package let learningRate: Double
    /// The mean loss as it is written, by which the epoch is told from another run's in the log.
    package let loss: String
    package var timing: String?
  }

  /// "fst 0.1.0 (build …), started …, process … on …" of the last log.
  package private(set) var header: String?
  /// The command of the last log.
  package private(set) var command: String?
  /// Where the ranks of the last log were.
  package private(set) var ranks: [String] = []
  /// All epochs, in the order of their lines.
  package private(set) var epochs: [Epoch] = []
  /// A defence's rates before and after, of the last log that has them.
  package private(set) var before: ThreeRates?
  package private(set) var after: ThreeRates?
  /// Warnings, each once.
  package private(set) var warnings: [String] = []
  /// "2026-11-28 15:29:25 +0000 after 4 s" of the last log.
  package private(set) var ended: String?

  private static let largestFile = 8 << 20

  /// Reads the logs of `folder`, the oldest first.
  package init(folder: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names.sorted() where name.hasSuffix(".log") && !name.hasPrefix(".") {
      guard let bytes = try? FileBytes.read("\(folder)/\(name)", limit: Self.largestFile) else {
        continue
      }
      let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
      take(lines)
    }
  }

  /// Takes a log of these lines.
  package init(lines: [Substring]) { take(lines) }

  private mutating func take(_ lines: [Substring]) {
    (ranks, ended) = ([], nil)
    for line in lines {
      // "2026-11-28 15:29:21 " stands before each.
      let words = line.dropFirst(20)
      if words.hasPrefix("fst "), words.contains(", started ") {
        header = String(words)
      } else if let rest = words.rest(after: "command: ") {
        command = String(rest)
      } else if let rest = words.rest(after: "warning: ") {
        if !warnings.contains(String(rest)) { warnings.append(String(rest)) }
      } else if let rest = words.rest(after: "ended ") {
        ended = String(rest)
      } else if words.hasPrefix("epoch ") {
        takeEpoch(words)
      } else if words.hasPrefix("timing of epoch "), !epochs.isEmpty {
        epochs[epochs.count - 1].timing = words.firstIndex(of: ",").map {
          String(words[words.index(after: $0)...].drop { $0 == " " })
        }
      } else {
        takeRates(words)
      }
    }
  }

  /// Takes a line such as "epoch 1/2  lr 0.1  loss 2.6459  acc 0.135".
  private mutating func takeEpoch(_ words: Substring) {
    let parts = words.split(separator: " ")
    guard parts.count >= 6, parts[2] == "lr", parts[4] == "loss",
      let number = parts[1].split(separator: "/").first.flatMap({ Int($0) }),
      let rate = Double(parts[3])
    else { return }
    epochs.append(Epoch(number: number, learningRate: rate, loss: String(parts[5])))
  }

  /// "        before   after", then "C-ACC   0.2240   0.3700" and so on; or where the ranks are.
  private mutating func takeRates(_ words: Substring) {
    let parts = words.split(separator: " ")
    if parts == ["before", "after"] {
      (before, after) = (ThreeRates(), ThreeRates())
    } else if parts.count == 3, before != nil,
      let path = ["C-ACC": \ThreeRates.clean, "ASR": \.attack, "RA": \.robust][parts[0]]
    {
      before?[keyPath: path] = Double(parts[1])
      after?[keyPath: path] = Double(parts[2])
    } else if words.hasPrefix("rank "), parts.count > 3, parts[2] == "on" {
      if !ranks.contains(String(words)) { ranks.append(String(words)) }
    } else if words.hasPrefix("ranks "), words.contains(" on ") {
      if !ranks.contains(String(words)) { ranks.append(String(words)) }
    }
  }

  /// The number of ranks that the last log names; nil where it names none.
  package var rankCount: Int? {
    let numbers = ranks.compactMap { line -> Int? in
      let list = line.split(separator: " ").dropFirst().prefix { $0 != "on" }
      return list.compactMap { Int($0.filter(\.isNumber)) }.max()
    }
    return numbers.max().map { $0 + 1 }
  }

  /// For each row of `frame` the last epoch with its number and its loss; nil where none has both.
  package func epochs(of frame: AttackDataFrame) -> [Epoch?] {
    let known = Dictionary(
      epochs.map { ("\($0.number) \($0.loss)", $0) }, uniquingKeysWith: { $1 })
    let losses = frame.column("train_epoch_loss_avg_over_batch")
    return frame.rows.indices.map { row in
      losses.isEmpty ? nil : known["\(row + 1) \(String(format: "%.4f", losses[row]))"]
    }
  }
}

extension Substring {
  /// What follows `start`; nil where this does not begin with it.
  fileprivate func rest(after start: String) -> Substring? {
    hasPrefix(start) ? dropFirst(start.count) : nil
  }
}
