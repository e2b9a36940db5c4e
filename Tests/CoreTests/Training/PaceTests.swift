import Core
import Testing

/// How long counted work is said to take still.
@Suite struct PaceTests {
  private static let start = ContinuousClock.now

  private func left(_ pace: Pace, _ event: TrainingEvent, after seconds: Double) -> Double? {
    pace.secondsLeft(event, now: Self.start + .seconds(seconds))
  }

  private func work(_ done: Int, of name: String = "read images") -> TrainingEvent {
    .working(WorkProgress(name: name, done: done, total: 100, unit: "images"))
  }

  @Test func whatIsLeftGoesOnAtThePaceSoFar() {
    let pace = Pace()
    #expect(left(pace, work(10), after: 0) == nil)
    #expect(left(pace, work(20), after: 2) == 16)
    #expect(left(pace, work(60), after: 5) == 4)
    #expect(left(pace, work(100), after: 9) == 0)
  }

  @Test func nothingIsSaidInTheFirstSecond() {
    let pace = Pace()
    #expect(left(pace, work(1), after: 0) == nil)
    #expect(left(pace, work(50), after: 0.9) == nil)
  }

  @Test func otherWorkAndWorkThatBeginsAnewStartTheClock() {
    let pace = Pace()
    _ = left(pace, work(10), after: 0)
    #expect(left(pace, work(20, of: "judge"), after: 2) == nil)
    #expect(left(pace, work(30, of: "judge"), after: 4) == 14)
    #expect(left(pace, work(5, of: "judge"), after: 5) == nil)
    #expect(left(pace, .evaluating(done: 10, total: 40), after: 6) == nil)
    #expect(left(pace, .evaluating(done: 20, total: 40), after: 8) == 4)
  }

  @Test func otherEventsLeaveItAlone() {
    let pace = Pace()
    _ = left(pace, work(10), after: 0)
    #expect(left(pace, .message("so far"), after: 1) == nil)
    #expect(left(pace, work(20), after: 2) == 16)
  }
}
