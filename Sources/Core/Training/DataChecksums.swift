import Distributed

// What ranks compare of their images before they use them; see Note [Start check] in Distributed.

extension TestSets {
  /// Both sets.
  var checksums: [(subject: String, checksum: UInt64)] {
    [("clean test images", clean.checksum), ("triggered test images", triggered.checksum)]
  }
}

extension LabeledImages {
  /// A checksum of pixels and labels.
  var checksum: UInt64 {
    let sums = [pixels.withUnsafeBytes(Checksum.of), labels.withUnsafeBytes(Checksum.of)]
    return sums.withUnsafeBytes(Checksum.of)
  }
}
