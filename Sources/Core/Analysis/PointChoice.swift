/// Which test images a sheet shows: the same ones for every archive, rank and number of threads.
///
/// One random order of the test set, a function of the seed alone, ranks its images; each class
/// gives its first ones, and so do the triggered images by the image that they were made from. Most
/// triggered points are therefore on the sheet without their trigger too.
public enum PointChoice {
  /// The places of `perClass` images of each class, or of all where a class has fewer, class by
  /// class; `labels`: [count].
  public static func clean(labels: [Int], classCount: Int, perClass: Int, seed: UInt64) -> [Int] {
    var chosen = [[Int]](repeating: [], count: classCount)
    for index in Permutation.of(count: labels.count, seed: seed, epoch: 0)
    where chosen[labels[index]].count < perClass {
      chosen[labels[index]].append(index)
    }
    return chosen.flatMap { $0 }
  }

  /// The places of `count` triggered images, or of all where there are fewer.
  ///
  /// `originalIndices` are the places of what they were made from among `testCount` test images:
  /// [triggered]. Indices beyond the test set, of an archive made from another one, come last.
  public static func triggered(
    originalIndices: [Int], testCount: Int, count: Int, seed: UInt64
  ) -> [Int] {
    var rank = [Int](repeating: 0, count: testCount)
    for (place, index) in Permutation.of(count: testCount, seed: seed, epoch: 0).enumerated() {
      rank[index] = place
    }
    let keyed = originalIndices.enumerated().map { position, index in
      (rank: 0..<testCount ~= index ? rank[index] : testCount + index, position: position)
    }
    return keyed.sorted { ($0.rank, $0.position) < ($1.rank, $1.position) }
      .prefix(count).map(\.position)
  }
}
