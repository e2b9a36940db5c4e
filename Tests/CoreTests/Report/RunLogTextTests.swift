import Core
import Testing

/// What is read from a run's log.
@Suite struct RunLogTextTests {
  private static let attack = """
    2026-11-28 15:29:21 fst 0.1.0 (build 8fc1), started 2026-11-28 15:29:21 +0000, process 1 on vm
    2026-11-28 15:29:21 command: fst attack trojannn --epochs 2
    2026-11-28 15:29:21 ranks 0, 1 on a, 2 threads each
    2026-11-28 15:29:21 rank 2 on b, 2 threads
    2026-11-28 15:29:22 epoch 1/2  lr 0.1  loss 2.6459  acc 0.135  C-ACC 0.1000  0.7 s
    2026-11-28 15:29:22 timing of epoch 1, ms a step: to last gradient 34, load 0.05, wait 0.00
    2026-11-28 15:29:23 warning: some are missing
    2026-11-28 15:29:23 warning: some are missing
    2026-11-28 15:29:24 epoch 1/2  lr 0.05  loss 2.2854  acc 0.194  C-ACC 0.1000  0.7 s
    2026-11-28 15:29:24 timing of epoch 1, ms a step: to last gradient 35, load 0.03, wait 0.00
    2026-11-28 15:29:25 ended 2026-11-28 15:29:25 +0000 after 4 s
    epoch of nonsense
    """

  private func read(_ text: String) -> RunLogText {
    RunLogText(lines: text.split(whereSeparator: \.isNewline))
  }

  @Test func programCommandAndPlacesAreTheLogs() {
    let log = read(Self.attack)
    #expect(log.header?.hasPrefix("fst 0.1.0") == true)
    #expect(log.command == "fst attack trojannn --epochs 2")
    #expect(log.ranks == ["ranks 0, 1 on a, 2 threads each", "rank 2 on b, 2 threads"])
    #expect(log.rankCount == 3)
    #expect(log.warnings == ["some are missing"])
    #expect(log.ended == "2026-11-28 15:29:25 +0000 after 4 s")
    #expect(log.epochs.count == 2)
  }

  @Test func anEpochOfAnotherModelInTheLogIsNotTheRows() {
    var frame = AttackDataFrame(columns: ["epoch", "train_epoch_loss_avg_over_batch"])
    frame.append([.count(0), .number(2.28537)])
    frame.append([.count(1), .number(1.5)])
    let epochs = read(Self.attack).epochs(of: frame)
    #expect(epochs.map { $0?.learningRate } == [0.05, nil])
    #expect(epochs[0]?.timing == "ms a step: to last gradient 35, load 0.03, wait 0.00")
  }

  @Test func aDefencesRatesAreBeforeAndAfter() {
    let log = read(
      """
      2026-11-28 14:33:12         before   after
      2026-11-28 14:33:12 C-ACC   0.2917   0.3333
      2026-11-28 14:33:12 ASR     0.2778   -
      2026-11-28 14:33:12 RA      0.3889   0.4000
      """)
    #expect(log.before == ThreeRates(clean: 0.2917, attack: 0.2778, robust: 0.3889))
    #expect(log.after == ThreeRates(clean: 0.3333, attack: nil, robust: 0.4))
  }
}
