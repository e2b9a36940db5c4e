/// Who keeps the others waiting, from what ranks last said of themselves; pure data.
///
/// Note [Stall watch]: a rank blocked inside MPI can ask nobody, so ranks tell where they are past
/// MPI: a thread of each sends a small UDP datagram every second, with the number of collectives
/// begun, to ranks 0 and 1, and these to all. Ranks begin the same collectives in the same order,
/// so among those that answer the late one is the one that computes while it has begun fewer than
/// the others; a rank that answered and no longer does (frozen, its host or link down) is late
/// whatever its number.
/// Rank 0 judges; rank 1 does where rank 0 itself is late. The other ranks end on their own where
/// they hear neither, for a launcher may not reach them over a cut link. Silence ends a run sooner
/// than lateness. While ranks save or evaluate, waiting is expected and only silence counts.
package struct StallJudgement: Equatable, Sendable {
  /// What is known of one rank.
  package struct Member: Equatable, Sendable {
    /// Its host.
    package var host: String
    /// The collectives it had begun.
    package var begun = 0
    /// Whether it was inside one.
    package var isWaiting = false
    /// Seconds since it was last heard of; nil if it never was.
    package var silence: Double?

    /// A rank on `host`.
    package init(host: String, begun: Int = 0, isWaiting: Bool = false, silence: Double? = nil) {
      (self.host, self.begun, self.isWaiting) = (host, begun, isWaiting)
      self.silence = silence
    }
  }

  /// A rank is silent after this many seconds: five heartbeats.
  package static let silenceLimit = 5.0

  /// All ranks.
  package var members: [Member]
  /// The judging rank.
  package var me: Int

  /// The judgement of rank `me` on `members`.
  package init(_ members: [Member], me: Int) {
    self.members = members
    self.me = me
  }

  private var others: [Int] { members.indices.filter { $0 != me } }

  /// Ranks that were heard of once, and not for `seconds`.
  package func silent(for seconds: Double = silenceLimit) -> [Int] {
    others.filter { (members[$0].silence ?? 0) >= seconds }
  }

  /// Ranks that answer, are in no collective, and have begun fewer than this rank.
  package var behind: [Int] {
    others.filter {
      let member = members[$0]
      return member.silence != nil && !member.isWaiting && member.begun < members[me].begun
    }
  }

  /// Ranks that were never heard of.
  package var unheard: [Int] { others.filter { members[$0].silence == nil } }

  /// The ranks to name, the surest sign first: silent, else behind, else never heard of.
  package var late: [Int] {
    let silent = silent()
    if !silent.isEmpty { return silent }
    return behind.isEmpty ? unheard : behind
  }

  /// Whether this rank is the one to speak: see Note [Stall watch].
  package var speaks: Bool { me == 0 || (me == 1 && late.contains(0)) }

  /// One line: who is late for the collective called `name`, waited for since `seconds`.
  ///
  /// `name` maps a collective's number to its name.
  package func message(waiting seconds: Double, name: (Int) -> String?) -> String {
    let here = name(members[me].begun) ?? "a collective"
    guard !late.isEmpty else {
      return "\(here) makes no progress for \(Int(seconds)) s though all ranks answer: "
        + "look at the network between the hosts"
    }
    let texts = late.map { rank in
      let member = members[rank]
      let text = "rank \(rank) (\(member.host))"
      let next = name(member.begun + 1) ?? here
      if let silence = member.silence, silence >= Self.silenceLimit {
        return "\(text) does not answer for \(Int(silence)) s; it had "
          + (member.begun < members[me].begun ? "not reached \(next)" : "reached \(here)")
      }
      return member.silence == nil
        ? "\(text) was never heard of" : "\(text) has not reached \(next)"
    }
    return texts.joined(separator: ", ") + ", for which the others wait since \(Int(seconds)) s"
  }
}
