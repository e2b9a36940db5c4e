/// The mean and deviation by which pixels are scaled, where they are not the dataset's usual ones.
///
/// An archive's tensors do not show them: a model that was trained with others has to be told, or it
/// is measured wrongly.
public struct PixelStatistics: Codable, Equatable, Sendable {
  /// The mean of red, green and blue on the scale 0…1; nil is the dataset's.
  public var mean: [Double]?
  /// Their standard deviations; nil are the dataset's.
  public var deviation: [Double]?

  /// The dataset's own.
  public init() {}

  /// The keys of both; a configuration has them within its own.
  static let fields: [ConfigField<Self>] = [
    .channels("mean", \.mean, .share, none: 0, of: \.mean).help(
      """
      The mean of red, green and blue, 0 to 1, that pixels are scaled with, as 0.5,0.5,0.5; none \
      for 0; imagenet or a dataset's name for theirs (default: what the archive's run had, else the \
      dataset's)
      """, "r,g,b", in: .data),
    .channels("std", \.deviation, .positive, none: 1, of: \.standardDeviation).help(
      "Their standard deviations; none for 1, or a name (default: likewise)",
      "r,g,b", in: .data),
  ]

  /// Under these keys a run notes what it scaled pixels with, whether that was given or not.
  static let notedKeys = (mean: "pixel_mean", deviation: "pixel_std")

  /// These, and `other` for what is not given.
  func completed(by other: PixelStatistics) -> PixelStatistics {
    var result = self
    result.mean = mean ?? other.mean
    result.deviation = deviation ?? other.deviation
    return result
  }

  /// How pixels of `dataset`, a name of the list, become a model's inputs.
  func normalization(of dataset: String) -> Normalization {
    let usual = Datasets.known(dataset).normalization
    return Normalization(
      mean: mean.map { $0.map { Float($0) } } ?? usual.mean,
      standardDeviation: deviation.map { $0.map { Float($0) } } ?? usual.standardDeviation)
  }

  /// A line where pixels of images that are nobody's dataset are scaled as another's are.
  func assumption(of dataset: String) -> String? {
    let kind = Datasets.known(dataset)
    guard let owner = kind.borrowsStatisticsOf, mean == nil || deviation == nil else { return nil }
    let (mean, deviation) = (kind.normalization.mean, kind.normalization.standardDeviation)
    let list = { (values: [Float]) in values.map { "\($0)" }.joined(separator: ",") }
    return "pixels are scaled with \(owner)'s mean \(list(mean)) and deviation \(list(deviation)); "
      + "--mean and --std give others"
  }
}

extension ConfigField {
  /// A number for each of red, green and blue: three, in a list or between commas, or one for all;
  /// `none` is the value that changes nothing, and a dataset's name, or imagenet, has its own.
  fileprivate static func channels(
    _ key: String, _ path: Path<[Double]?>, _ bounds: NumberBounds, none: Double,
    of statistics: KeyPath<Normalization, [Float]> & Sendable
  ) -> Self {
    Self(
      key: key,
      expected:
        "three numbers for red, green and blue, each \(bounds.words), or none, or whose they "
        + "are: imagenet or a dataset's name",
      assign: { value, target in
        var named: Normalization?
        if case .text(let name) = value { named = Datasets.normalization(named: name) }
        let known = named?[keyPath: statistics].map(\.asWritten)
        guard let numbers = known ?? numbers(value, bounds, none: none) else { return false }
        target[keyPath: path] = numbers
        return true
      },
      value: { $0[keyPath: path].map { .list($0.map { .real($0) }) } ?? .null }
    ).form(.typed)
  }

  private static func numbers(
    _ value: ConfigValue, _ bounds: NumberBounds, none: Double
  ) -> [Double]? {
    var items = [value]
    switch value {
    case .null, .text("none"): return [none, none, none]
    case .list(let values): items = values
    case .text(let text):
      items = text.split(whereSeparator: { $0 == "," || $0 == " " })
        .map { ConfigValue(plain: String($0)) }
    default: break
    }
    let numbers = items.compactMap { $0.number(bounds) }
    guard numbers.count == items.count else { return nil }
    return numbers.count == 1
      ? [numbers[0], numbers[0], numbers[0]] : numbers.count == 3 ? numbers : nil
  }
}

extension Float {
  /// The number that its shortest decimal form stands for: 0.4914, not 0.49140000343.
  var asWritten: Double { Double("\(self)") ?? Double(self) }
}
