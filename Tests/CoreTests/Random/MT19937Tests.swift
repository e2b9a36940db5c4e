import Core
import Testing

struct RandomGoldens: Decodable {
  struct Draw: Decodable {
    let seed: Int
    let n: Int
    let count: Int
    let first: [Int]
    let checksum: Int

    /// Whether `drawn` is this draw.
    func matches(_ drawn: [Int]) -> Bool {
      drawn.count == count && Array(drawn.prefix(12)) == first
        && drawn.enumerated().reduce(0) { $0 + ($1.offset + 1) * $1.element } == checksum
    }
  }
  let numpy_choice: [Draw]
  let python_sample: [Draw]
}

@Suite struct MT19937Tests {
  /// The generator's 10,000th number for the reference seed, as the C++ standard gives it.
  @Test func tenThousandthNumberIsTheStandards() {
    var generator = MT19937(seed: 5489)
    for _ in 1..<10_000 { _ = generator.next() }
    #expect(generator.next() == 4_123_659_995)
  }

  @Test func choiceEqualsNumPys() throws {
    let goldens: RandomGoldens = try goldenFile("random.json")
    for draw in goldens.numpy_choice {
      var generator = MT19937(seed: UInt32(draw.seed))
      #expect(draw.matches(generator.choice(draw.n, count: draw.count)), "\(draw)")
    }
  }

  @Test func sampleEqualsPythons() throws {
    let goldens: RandomGoldens = try goldenFile("random.json")
    for draw in goldens.python_sample {
      var generator = PythonRandom(seed: draw.seed)
      #expect(draw.matches(generator.sample(draw.n, count: draw.count)), "\(draw)")
    }
  }

  @Test func choicesOfOneSeedAreNested() {
    for seed in 0..<5 as Range<UInt32> {
      var whole = MT19937(seed: seed)
      let order = whole.choice(100, count: 100)
      #expect(order.sorted() == Array(0..<100))
      for count in [0, 1, 10, 99] {
        var part = MT19937(seed: seed)
        #expect(part.choice(100, count: count) == Array(order.prefix(count)))
      }
    }
  }
}
