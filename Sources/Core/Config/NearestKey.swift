/// The known key that a mistyped one was probably meant to be.
enum NearestKey {
  /// The candidate with the fewest edits to `key`, if those are at most half of its characters.
  static func of(_ key: String, among candidates: [String]) -> String? {
    let ranked = candidates.map { (key: $0, distance: editDistance(key, $0)) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance * 2 <= best.key.count ? best.key : nil
  }

  /// Insertions, deletions and substitutions that turn `a` into `b` (Levenshtein), row by row.
  static func editDistance(_ a: String, _ b: String) -> Int {
    let target = Array(b.utf8)
    var row = Array(0...target.count)
    for (i, letter) in a.utf8.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in target.enumerated() {
        let replaced = diagonal + (letter == other ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
      }
    }
    return row[target.count]
  }
}
