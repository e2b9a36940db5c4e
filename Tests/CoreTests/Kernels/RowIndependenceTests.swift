import Core
import Distributed
import Testing

/// What an image's logits are does not depend on the images beside it, nor on the threads.
@Suite struct RowIndependenceTests {
  static func logits(
    _ images: [Float], count: Int, batch: Int, width: Int, threads: Int,
    precision: PrecisionChoice = .float32
  ) -> [Float] {
    let model = Network(
      .resnet18, width: width, classCount: 10,
      inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3))
    Initializer.initialize(model.store, seed: 0)
    let context = ComputeContext(threads: threads, precision: precision)
    var result: [Float] = []
    for start in stride(from: 0, to: count, by: batch) {
      let end = min(start + batch, count)
      let part = FloatBuffer(Array(images[start * 3072..<end * 3072]))
      let tensor = Tensor(
        Shape(batch: end - start, height: 32, width: 32, channels: 3), in: part)
      result += model.forward(tensor, mode: .evaluating, context: context).array
    }
    return result
  }

  /// Width 12: the first two stages, of 12 and 24 channels, are OpenBLAS's.
  @Test(arguments: [12, 16, 64], [1, 7, 13])
  func logitsDoNotDependOnTheBatch(width: Int, batch: Int) {
    let count = 20
    var stream = RandomStream(seed: 0, purpose: .test)
    let images = (0..<count * 3072).map { _ in stream.nextNormal() }
    let whole = Self.logits(images, count: count, batch: count, width: width, threads: 2)
    let parts = Self.logits(images, count: count, batch: batch, width: width, threads: 1)
    #expect(whole == parts)
  }

  /// Units of 16-bit factors are a tile's own.
  @Test(arguments: [1, 7, 13]) func theSameHoldsOfInt16(batch: Int) {
    let count = 20
    var stream = RandomStream(seed: 0, purpose: .test)
    let images = (0..<count * 3072).map { _ in stream.nextNormal() }
    func logits(_ batch: Int, threads: Int) -> [Float] {
      Self.logits(
        images, count: count, batch: batch, width: 32, threads: threads, precision: .int16)
    }
    #expect(logits(count, threads: 2) == logits(batch, threads: 1))
  }
}
