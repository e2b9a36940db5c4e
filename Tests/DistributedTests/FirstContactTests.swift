import Distributed
import Testing

/// Ranks that greet one another over a network that loses messages.
@Suite struct FirstContactTests {
  private struct Message {
    var from: Int
    var to: Int
    var greeting: FirstContact.Greeting
  }

  /// Rounds until no rank misses another, 20 at most, and the messages sent; `isLost` says which of
  /// a round's messages do not arrive.
  private func meet(
    _ worldSize: Int, isLost: (_ round: Int, Message) -> Bool = { _, _ in false }
  ) -> (rounds: Int?, messages: Int) {
    var ranks = (0..<worldSize).map { FirstContact(rank: $0, worldSize: worldSize) }
    var sent = 0
    for round in 1...20 {
      var pending = ranks.indices.flatMap { rank in
        ranks[rank].greetings().map { Message(from: rank, to: $0.rank, greeting: $0.greeting) }
      }
      while !pending.isEmpty {
        let message = pending.removeFirst()
        sent += 1
        // A rank that misses nobody has gone on, and hears no greeting.
        guard !isLost(round, message), !ranks[message.to].missing.isEmpty else { continue }
        if let answer = ranks[message.to].receive(message.greeting, from: message.from) {
          pending.append(Message(from: message.to, to: message.from, greeting: answer))
        }
      }
      if ranks.allSatisfy(\.missing.isEmpty) { return (round, sent) }
    }
    return (nil, sent)
  }

  @Test func aRankAloneMissesNobody() {
    #expect(FirstContact(rank: 0, worldSize: 1).missing.isEmpty)
  }

  @Test func partnersAreMutualAndFewInLargeWorlds() {
    for worldSize in 2...70 {
      let partners = (0..<worldSize).map { FirstContact(rank: $0, worldSize: worldSize).missing }
      for (rank, others) in partners.enumerated() {
        #expect(!others.contains(rank) && others.contains((rank + 1) % worldSize))
        #expect(others.allSatisfy { partners[$0].contains(rank) })
      }
    }
    #expect(FirstContact(rank: 5, worldSize: 1024).missing.count == 19)
  }

  @Test(arguments: [2, 3, 4, 7, 16]) func allMeetInOneRound(worldSize: Int) {
    #expect(meet(worldSize).rounds == 1)
  }

  /// Nothing passes between ranks 1 and 2 for three rounds: the fourth round's greetings do.
  @Test(arguments: [2, 3, 5]) func aPairThatCannotConnectMeetsOnceItCan(worldSize: Int) {
    let pair = Set([worldSize - 1, (worldSize - 2)])
    #expect(
      meet(worldSize) { round, message in
        round <= 3 && pair == [message.from, message.to]
      }.rounds == 4)
  }

  /// The one that heard the other does not go on before the other knows.
  @Test func nobodyGoesOnUnheard() {
    #expect(meet(2) { round, message in round <= 5 && message.from == 1 }.rounds == 6)
  }

  @Test func whoNeverAnswersStaysMissing() {
    var contact = FirstContact(rank: 0, worldSize: 3)
    _ = contact.receive(.here, from: 1)
    _ = contact.receive(.heard, from: 1)
    #expect(contact.missing == [2])
    #expect(contact.greetings().map(\.rank) == [2])
  }
}
