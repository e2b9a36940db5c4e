import Core
import Distributed
import TestSupport
import Testing

/// lf's pattern, as the original code made it from a thin model on images that are not normalised.
@Suite(.enabled(if: Fixtures.available(for: "SmoothPatternFixtureTests")))
struct SmoothPatternFixtureTests {
  private func model() throws -> PixelModel {
    let thin = ThinModel(.resnet18, width: 16)
    let attack = try AttackResult.read(path: Fixtures.path("badnet_thin16/attack_result.pt"))
    try thin.store.load(attack.model)
    return PixelModel(
      thin.model, normalization: Normalization(mean: [0, 0, 0], standardDeviation: [1, 1, 1]),
      context: thin.context)
  }

  private func largestDifference(_ one: [Float], _ other: [Float]) -> Float {
    one.count == other.count ? zip(one, other).map { abs($0 - $1) }.max() ?? 0 : .infinity
  }

  @Test func smoothingAndMappingEqualTheOriginals() throws {
    let fixture = try DataAttackFixture("lf/smooth.pt")
    let smoothed = SmoothPattern.smooth(try fixture("input").floats, height: 32, width: 32)
    #expect(largestDifference(smoothed, try fixture("smoothed").floats) < 1e-6)
    #expect(
      largestDifference(
        SmoothPattern.normalize(smoothed) ?? [], try fixture("normalised_of_smoothed").floats)
        < 1e-6)
    var impulse = [Float](repeating: 0, count: 3072)
    impulse[(16 * 32 + 10) * 3 + 1] = 1
    #expect(
      largestDifference(
        SmoothPattern.smooth(impulse, height: 32, width: 32),
        try fixture("impulse_row16_col10_ch1").floats) < 1e-6)
  }

  @Test func nothingIsMadeOfAFlatPattern() {
    #expect(SmoothPattern.normalize([Float](repeating: 0.5, count: 12)) == nil)
  }

  @Test func deepFoolStepsEqualTheOriginals() throws {
    let (fixture, model) = (try DataAttackFixture("lf/deepfool.pt"), try model())
    for index in 0..<10 {
      let recorded = try fixture("cases", "\(index)")
      let images = try DataAttackFixture.trainingImages(
        [try recorded("train_index").number].map(Int.init))
      let image = Tensor(images, at: [0])
      expectClose(
        model.logits(image).array, try recorded("logits").floats, relative: 1e-5, "logits")
      let found = DeepFool(model, target: Int(try recorded("target").number)).run(image)
      #expect(found.iterations == Int(try recorded("iterations").number), "case \(index)")
      #expect(found.reached == Int(try recorded("final_class").number), "case \(index)")
      #expect(
        largestDifference(found.step, try recorded("r_nhwc").floats) < 1e-5, "case \(index)")
    }
  }

  @Test func twoPassesMakeTheOriginalsPattern() throws {
    let fixture = try DataAttackFixture("lf/universal.pt")
    var search = UniversalPattern(try model(), target: Int(try fixture("target").number))
    let recorded = try fixture("v_after_each_update").floats
    var updates = 0
    for pass in 0..<2 {
      for position in try fixture("order_per_pass", "\(pass)").integers {
        let images = try DataAttackFixture.trainingImages([position])
        guard let found = search.update(Tensor(images, at: [0])) else { continue }
        try #require(updates < 16)
        let counted = try fixture("deepfool_iterations_and_class", "\(updates)").integers
        #expect([found.iterations, found.reached] == counted)
        let expected = Array(recorded[updates * 3072..<(updates + 1) * 3072])
        #expect(largestDifference(search.pattern, expected) < 1e-5, "update \(updates)")
        updates += 1
      }
    }
    #expect(updates == 16)
    let bytes = try fixture("pattern_0_255_u8").bytes
    #expect(zip(search.bytes, bytes).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
    #expect(zip(search.bytes, bytes).count { $0 != $1 } < 3)
  }

  @Test(arguments: ["generated_u8", "generated_float", "signed_float"])
  func addingEqualsTheOriginals(name: String) throws {
    let fixture = try DataAttackFixture("lf/apply.pt")
    var images = try DataAttackFixture.trainingImages(try fixture("train_index").integers)
    let pattern = try fixture("patterns", name).floats.map { Double($0) }
    PatternTrigger(pattern, height: 32, width: 32).apply(
      to: &images, at: Array(0..<images.count), split: .train, indices: nil)
    #expect(images.pixels == (try fixture("results_u8_hwc", name).bytes))
  }
}
