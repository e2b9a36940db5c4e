import Distributed
import Testing

@Suite struct StallJudgementTests {
  private func name(_ number: Int) -> String? { "bucket \(number)" }

  private func member(
    _ rank: Int, begun: Int, waits: Bool, silence: Double? = 0
  ) -> StallJudgement.Member {
    .init(host: "node\(rank)", begun: begun, isWaiting: waits, silence: silence)
  }

  @Test func whoComputesWhileBehindIsLate() {
    let judgement = StallJudgement(
      [
        member(0, begun: 7, waits: true), member(1, begun: 7, waits: true),
        member(2, begun: 6, waits: false),
      ], me: 0)
    #expect(judgement.late == [2] && judgement.speaks)
    #expect(
      judgement.message(waiting: 31, name: name)
        == "rank 2 (node2) has not reached bucket 7, for which the others wait since 31 s")
  }

  /// Rank 1 waits in an earlier bucket for the frozen rank's data: it is not to blame.
  @Test func whoIsSilentIsLateWhateverItsNumber() {
    let judgement = StallJudgement(
      [
        member(0, begun: 7, waits: true), member(1, begun: 6, waits: true),
        member(2, begun: 7, waits: true, silence: 9),
      ], me: 0)
    #expect(judgement.late == [2])
    #expect(judgement.message(waiting: 10, name: name).hasPrefix("rank 2 (node2) does not answer"))
  }

  @Test func rankOneSpeaksWhereRankZeroIsLate() {
    let members = [
      member(0, begun: 6, waits: false), member(1, begun: 7, waits: true),
      member(2, begun: 7, waits: true),
    ]
    #expect(StallJudgement(members, me: 1).speaks)
    #expect(!StallJudgement(members, me: 2).speaks)
    let waiting = [member(0, begun: 7, waits: true)] + members[1...]
    #expect(!StallJudgement(waiting, me: 1).speaks)
  }

  @Test func whoWasNeverHeardOfIsNamedWhereNobodyElseIsLate() {
    let judgement = StallJudgement(
      [member(0, begun: 7, waits: true), member(1, begun: 0, waits: false, silence: nil)], me: 0)
    #expect(judgement.late == [1] && judgement.silent(for: 1).isEmpty)
  }

  @Test func whereAllWaitTheNetworkIsSuspected() {
    let judgement = StallJudgement(
      [member(0, begun: 7, waits: true), member(1, begun: 7, waits: true)], me: 0)
    #expect(judgement.late.isEmpty)
    #expect(judgement.message(waiting: 30, name: name).hasPrefix("bucket 7 makes no progress"))
  }

  @Test func aHeartbeatSurvivesItsBytes() {
    let beat = Heartbeat(job: .max, rank: 1023, begun: 1 << 40, isWaiting: true)
    #expect(Heartbeat(beat.bytes) == beat)
    let last = Heartbeat(job: 0, rank: 1, begun: 2, isWaiting: false, isLast: true)
    #expect(Heartbeat(last.bytes) == last)
    #expect(Heartbeat(Array(beat.bytes.dropLast())) == nil)
  }
}
