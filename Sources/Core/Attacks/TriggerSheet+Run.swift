extension AttackData {
  /// What the trigger does to test images, once `epochs` are over; nil where none is triggered.
  func triggerPicture(after epochs: Int) -> RunPicture? {
    let (clean, triggered) = (cleanTest, triggeredTest)
    let chosen = TriggerSheet.choice(of: triggered)
    guard !chosen.isEmpty else { return nil }
    return RunPicture(name: "trigger", epoch: epochs) {
      let positions = chosen.map { triggered.originalIndices[$0] }
      return try TriggerSheet(
        clean.selecting(positions), triggered: triggered.images.selecting(chosen), at: positions
      ).image
    }
  }
}

extension TriggerSheet {
  /// The triggered images to show, by their position in `set`: the first one of each class, then
  /// the next ones.
  static func choice(of set: PoisonedDataset) -> [Int] {
    var seen: Set<Int> = []
    let firsts = set.originalLabels.indices.filter {
      seen.insert(set.originalLabels[$0]).inserted
    }
    let taken = Set(firsts)
    let others = set.originalLabels.indices.lazy.filter { !taken.contains($0) }.prefix(columns)
    return Array(
      (firsts.sorted { set.originalLabels[$0] < set.originalLabels[$1] } + others)
        .prefix(columns))
  }
}
