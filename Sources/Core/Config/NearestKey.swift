/// The known key that a mistyped one was probably meant to be.
package enum NearestKey {
  /// The candidate that `key` is a slip of: one edit in five letters or two in ten, the first letter
  /// right.
  ///
  /// Slips rarely change the first letter, and a key that begins otherwise means something else:
  /// `ratio` is no slip of `pratio`. Two letters changed for one another are one edit.
  package static func of(_ key: String, among candidates: [String]) -> String? {
    let edits = min(key.utf8.count / 5, 2)
    let ranked = candidates.filter { $0.first == key.first }
      .map { (key: $0, distance: editDistance(key, $0)) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }), best.distance <= edits else {
      return nil
    }
    return best.key
  }

  /// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`, row by row.
  static func editDistance(_ a: String, _ b: String) -> Int {
    let (source, target) = (Array(a.utf8.prefix(longest)), Array(b.utf8.prefix(longest)))
    var before = Array(0...target.count)
    var row = before
    for i in source.indices {
      var next = [i + 1] + [Int](repeating: 0, count: target.count)
      for j in target.indices {
        let replaced = row[j] + (source[i] == target[j] ? 0 : 1)
        next[j + 1] = min(replaced, next[j] + 1, row[j + 1] + 1)
        if i > 0 && j > 0 && source[i] == target[j - 1] && source[i - 1] == target[j] {
          next[j + 1] = min(next[j + 1], before[j - 1] + 1)
        }
      }
      (before, row) = (row, next)
    }
    return row[target.count]
  }

  /// More letters than any key has; a file's longer words are not compared whole.
  private static let longest = 60
}
