import Foundation

/// Which training images are the clean tuning set: a function of labels, ratio and seed alone.
public enum TuningSet {
  /// The images that tune the model and those that the attack trains on, both ascending or as
  /// drawn.
  public struct Indices: Equatable, Sendable {
    /// Positions of the tuning images in the whole training set.
    public let tuning: [Int]
    /// Positions of the attack's training images in the whole training set, ascending.
    public let attack: [Int]
  }

  /// Splits the training set with `labels` (classes `0..<classCount`) as `split` says.
  public static func indices(
    _ split: TuningSplit, labels: [Int], classCount: Int, ratio: Double, seed: Int
  ) -> Indices {
    switch split {
    case .random:
      return Indices(
        tuning: random(count: labels.count, ratio: ratio, seed: seed),
        attack: Array(labels.indices))
    case .heldOut: return heldOut(labels: labels, classCount: classCount, ratio: ratio)
    }
  }

  /// int(N * ratio) of all N images, in the order of Python's `random.sample(range(N), …)`.
  ///
  /// As the published code draws them: the attack's training set holds these images as well.
  public static func random(count: Int, ratio: Double, seed: Int) -> [Int] {
    var generator = PythonRandom(seed: seed)
    return generator.sample(count, count: size(of: count, ratio: ratio))
  }

  /// The first int(N * ratio) / classes images of each class, left out of the attack's training
  /// set.
  ///
  /// A class with fewer images gives all it has.
  public static func heldOut(labels: [Int], classCount: Int, ratio: Double) -> Indices {
    let perClass = size(of: labels.count, ratio: ratio) / max(classCount, 1)
    var taken = [Int](repeating: 0, count: classCount)
    var tuning: [Int] = []
    var attack: [Int] = []
    for (index, label) in labels.enumerated() {
      if taken[label] < perClass {
        taken[label] += 1
        tuning.append(index)
      } else {
        attack.append(index)
      }
    }
    return Indices(tuning: tuning, attack: attack)
  }

  /// The indices in the text file at `path`, of `count` images, in its order; throws
  /// `TuningSetFileError`.
  ///
  /// As NumPy's `loadtxt` reads them: white space between them, `#` begins a comment.
  static func read(_ path: String, count: Int) throws -> [Int] {
    guard let data = FileManager.default.contents(atPath: path),
      let text = String(bytes: data, encoding: .utf8)
    else { throw TuningSetFileError(path: path, line: nil, count: count, found: "none") }
    var result: [Int] = []
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (number, line) in lines.enumerated() {
      let numbers = line.prefix { $0 != "#" }
      for word in numbers.split(whereSeparator: \.isWhitespace) {
        guard let index = Int(word), 0..<count ~= index else {
          throw TuningSetFileError(
            path: path, line: number + 1, count: count, found: "'\(word.prefix(40))'")
        }
        result.append(index)
      }
    }
    guard !result.isEmpty else {
      throw TuningSetFileError(path: path, line: nil, count: count, found: "none")
    }
    return result
  }

  /// Python's int(N * ratio): truncated.
  private static func size(of count: Int, ratio: Double) -> Int {
    precondition(ratio >= 0 && ratio <= 1, "a split ratio of \(ratio)")
    return Int(Double(count) * ratio)
  }
}
