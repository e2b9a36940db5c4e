import Distributed
import Foundation

/// What the log of a run says of it beside its progress, told as notes on rank 0: settings, hosts,
/// what it came to, or why it failed, and when it ended.
struct RunLog {
  let communicator: any Communicator
  let observer: any TrainingObserver

  /// Does the run with `settings`, one line each, and notes what became of it.
  func keep<Outcome: LoggedOutcome>(
    settings: [String], run: () throws -> Outcome
  ) throws -> Outcome {
    let start = ContinuousClock.now
    settings.forEach(note)
    defer {
      let seconds = String(format: "%.0f", (ContinuousClock.now - start).seconds)
      note("ended \(TimeStamp.full(Date())) after \(seconds) s")
    }
    do {
      let outcome = try run()
      outcome.logLines.forEach(note)
      return outcome
    } catch {
      note("failed: \(error)")
      throw error
    }
  }

  /// Notes on which hosts the ranks are, and with how many threads; all ranks call it.
  func noteRanks(threads: Int) throws {
    let places = try communicator.allGather(Array("\(threads) \(communicator.hostName)".utf8))
      .map { String(decoding: $0, as: UTF8.self).split(separator: " ", maxSplits: 1) }
    let names = places.map { place in
      "\(place.last ?? "?"), \(place.first ?? "?") \(place.first == "1" ? "thread" : "threads")"
    }
    var hosts: [(name: String, ranks: [Int])] = []
    for (rank, name) in names.enumerated() {
      if let known = hosts.firstIndex(where: { $0.name == name }) {
        hosts[known].ranks.append(rank)
      } else {
        hosts.append((name, [rank]))
      }
    }
    for host in hosts {
      let ranks = host.ranks.map(String.init).joined(separator: ", ")
      let isOne = host.ranks.count == 1
      note("\(isOne ? "rank" : "ranks") \(ranks) on \(host.name)\(isOne ? "" : " each")")
    }
  }

  private func note(_ line: String) {
    if communicator.rank == 0 { observer.observe(.note(line)) }
  }
}

/// What a run came to, in lines for its log.
protocol LoggedOutcome {
  var logLines: [String] { get }
}

extension TrainingConfiguration {
  /// All settings that concern the attack, for a log.
  var settingLines: [String] {
    ConfigField.lines(
      Self.fields.filter { $0.concerns(knownAttack) }, of: self, defaults: defaults)
  }
}

extension ConfigField {
  /// Two lines: the settings of `target` that are not the `defaults`, and those that are.
  fileprivate static func lines(
    _ fields: [Self], of target: Target, defaults: Target
  ) -> [String] {
    func line(_ kind: String, _ fields: [Self]) -> String {
      let texts = fields.filter { $0.value(target) != .null }
        .map { "\($0.key) \($0.value(target))" }
      return "\(kind): \(texts.isEmpty ? "none" : texts.joined(separator: ", "))"
    }
    let isDefault = { (field: Self) in
      field.key != "attack" && field.value(target) == field.value(defaults)
    }
    return [
      line("settings", fields.filter { !isDefault($0) }),
      line("settings at their defaults", fields.filter(isDefault)),
    ]
  }
}
