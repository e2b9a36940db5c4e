import Core
import Distributed
import TestSupport
import Testing

/// lc's marks and moved images, as the original code made them.
@Suite(.enabled(if: Fixtures.available(for: "MovedImagesFixtureTests")))
struct MovedImagesFixtureTests {
  @Test(arguments: ["1.0", "0.5", "0.25", "0.0"]) func marksEqualTheOriginals(
    amplitude: String
  ) throws {
    let fixture = try DataAttackFixture("lc/corners.pt")
    var images = try DataAttackFixture.trainingImages(try fixture("train_index").integers)
    let marks = CornerMarks(height: 32, width: 32, amplitude: Double(amplitude) ?? -1)
    #expect(marks.signs == (try fixture("sign_map_32").integers))
    LabelConsistentTrigger(images: ReplacementImages([], at: []), marks: marks).apply(
      to: &images, at: Array(0..<images.count), split: .test, indices: nil)
    #expect(images.pixels == (try fixture("results_by_amplitude_u8_hwc", amplitude).bytes))
  }

  @Test func marksOfALargerImageAreEnlarged() throws {
    var grey = [UInt8](repeating: 100, count: 64 * 64 * 3)
    grey.withUnsafeMutableBufferPointer { CornerMarks(height: 64, width: 64).apply(to: $0) }
    #expect(grey == (try DataAttackFixture("lc/corners.pt")("grey100_64x64").bytes))
  }

  @Test func aTrainingImageIsReplacedBeforeItIsMarked() throws {
    let (fixture, moved) = (
      try DataAttackFixture("lc/corners.pt"), try DataAttackFixture("lc/pgd.pt")
    )
    let positions = try moved("train_index").integers
    var images = try DataAttackFixture.trainingImages(positions)
    let bytes = Layout.nhwc(
      try moved("after_5_u8_nchw").bytes.map { Float($0) }, shape: [8, 3, 32, 32])
    LabelConsistentTrigger(
      images: ReplacementImages(bytes.map { UInt8($0) }, at: positions),
      marks: CornerMarks(height: 32, width: 32)
    ).apply(to: &images, at: Array(0..<8), split: .train, indices: positions)
    #expect(images.pixels == (try fixture("adversarial_plus_corners_u8_hwc").bytes))
  }

  @Test func fiveStepsEqualTheOriginals() throws {
    let fixture = try DataAttackFixture("lc/pgd.pt")
    let thin = ThinModel(.resnet18, width: 16)
    try thin.store.load(
      AttackResult.read(path: Fixtures.path("badnet_thin16/attack_result.pt")).model)
    let gradient = ProjectedGradient(
      PixelModel(
        thin.model, normalization: Normalization(mean: [0, 0, 0], standardDeviation: [1, 1, 1]),
        context: thin.context), distance: 8 / 255, step: 1.5 / 255)
    let positions = try fixture("train_index").integers
    let originals = Tensor(
      try DataAttackFixture.trainingImages(positions), at: Array(positions.indices))
    let labels = try fixture("labels").integers.map { Int32($0) }
    expectClose(
      gradient.gradient(originals, labels: labels).nchw, try fixture("grad_first").floats,
      relative: 1e-4, "gradient")
    let (moved, after) = (Tensor(originals.shape), try fixture("after_step").floats)
    moved.pointer.update(from: originals.pointer, count: originals.shape.count)
    for step in 0..<5 {
      gradient.move(moved, from: originals, labels: labels)
      let expected = after[step * originals.shape.count..<(step + 1) * originals.shape.count]
      let right = zip(moved.nchw, expected).count { abs($0 - $1) <= 1e-6 }
      #expect(Double(right) > 0.998 * Double(originals.shape.count), "step \(step)")
    }
  }
}
