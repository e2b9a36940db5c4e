import Core
import Testing

@Suite struct SyntheticImagesTests {
  private let dataset = SyntheticImages()

  @Test func aPrefixDoesNotDependOnTheCount() {
    let few = dataset.images(count: 30, seed: 7, split: .train)
    let many = dataset.images(count: 200, seed: 7, split: .train)
    #expect(few.pixels == Array(many.pixels.prefix(few.pixels.count)))
  }

  @Test func seedsAndHalvesDiffer() {
    let images = dataset.images(count: 20, seed: 1, split: .train)
    #expect(dataset.images(count: 20, seed: 1, split: .train).pixels == images.pixels)
    #expect(dataset.images(count: 20, seed: 2, split: .train).pixels != images.pixels)
    #expect(dataset.images(count: 20, seed: 1, split: .test).pixels != images.pixels)
  }

  @Test func classesAreBalancedAndNamed() {
    let pair = SyntheticImages().generate(seed: 0)
    #expect((pair.train.count, pair.test.count) == (5000, 1000))
    #expect(Set(pair.train.classNames).count == 10)
    for label in 0..<10 {
      #expect(pair.train.labels.count { $0 == label } == 500)
      #expect(pair.test.labels.count { $0 == label } == 100)
    }
  }

  @Test func noImageHoldsAPatchTrigger() {
    let images = dataset.images(count: 500, seed: 3, split: .test)
    #expect(images.pixels.allSatisfy { Float($0) <= dataset.brightest })
  }

  /// The mean colour of an image must not tell its class: class means of it are near each other.
  @Test func meanBrightnessDoesNotTellTheClass() {
    let images = dataset.images(count: 5000, seed: 0, split: .train)
    var sums = [Double](repeating: 0, count: 10)
    for index in 0..<images.count {
      let values = images.pixels[images.range(of: index)]
      let sum = values.reduce(0) { $0 + Int($1) }
      sums[images.labels[index]] += Double(sum) / Double(images.imageSize) / 500
    }
    // Standard deviation of one image's mean is about 35 grey levels, of 500 images' about 1.6.
    #expect((sums.max() ?? 0) - (sums.min() ?? 0) < 10)
  }
}
