// Note [First contact]: OpenMPI connects two ranks when one first sends to the other. Where that
// fails, because a cable was put back a second ago, say, it prints "failed to TCP connect" and does
// not try again: both wait for ever in the first collective, before anybody watches (see Note
// [Stall watch]). The next message to that rank connects. So the ranks greet one another first,
// again each second until answered, and end the run where nobody answers.

/// How a rank finds the ranks it will talk to; it decides what to send, and another carries it.
package struct FirstContact {
  /// What is said: that this rank is there, or that it has heard the other.
  package enum Greeting: Int32, CaseIterable {
    case here = 1
    case heard = 2
  }

  /// The ranks whose answer is still missing.
  package private(set) var missing: Set<Int>
  private var heard: Set<Int> = []

  /// Of rank `rank` with those that collectives connect first: 1, 2, 4, … further, either way.
  package init(rank: Int, worldSize: Int) {
    let steps = sequence(first: 1) { $0 * 2 }.prefix { $0 < worldSize }
    missing = Set(
      steps.flatMap { [(rank + $0) % worldSize, (rank - $0 + worldSize) % worldSize] })
    missing.remove(rank)
  }

  /// What to send now, and again for as long as answers are missing.
  package func greetings() -> [(rank: Int, greeting: Greeting)] {
    missing.sorted().map { ($0, heard.contains($0) ? .heard : .here) }
  }

  /// Takes what `sender` says; returns what to send it back at once, if anything.
  package mutating func receive(_ greeting: Greeting, from sender: Int) -> Greeting? {
    let isNew = heard.insert(sender).inserted
    if greeting == .heard { missing.remove(sender) }
    return isNew || greeting == .here ? .heard : nil
  }
}
