// What a user should know of how an attack's settings meet its data, before it trains.

import Foundation

extension AttackData {
  /// One line each: nothing poisoned, a target that is another class than it looks like, images that
  /// no epoch's batches hold, where what fills none is dropped.
  func notes(
    _ configuration: AttackConfiguration, batchSize: Int, dropsLastBatch: Bool
  ) -> [String] {
    let count = train.images.count
    var lines: [String] = []
    if poisonsTraining && configuration.poisonRatio > 0 && train.poisonedCount == 0 {
      lines.append(
        "no image is poisoned: pratio \(configuration.poisonRatio.pythonRepr) of \(count) training "
          + "images is less than half an image; the model will be a clean one")
    }
    if configuration.labelTransform == .all2one {
      let (target, names) = (configuration.attackTarget, train.images.classNames)
      let name = names.indices.contains(target) ? names[target] : ""
      if Int(name).map({ $0 != target }) ?? false {
        lines.append(
          "target \(target) is class '\(name)': classes are counted in the order of their names as "
            + "text, so class '\(target)' "
            + (names.firstIndex(of: "\(target)").map { "is target \($0)" } ?? "is none"))
      }
    }
    let left = count % min(batchSize, max(count, 1))
    if dropsLastBatch && left * 100 > count * 3 {
      lines.append(
        "each epoch leaves out \(left) of \(count) training images, other ones each time: they fill "
          + "no batch of \(batchSize); a --batch_size that divides \(count) leaves out none")
    }
    return lines
  }

  /// The target class as a message names it: "2", or "2 (bird)" where it has another name.
  func targetName(_ configuration: AttackConfiguration) -> String? {
    let (target, names) = (configuration.attackTarget, train.images.classNames)
    guard configuration.labelTransform == .all2one, names.indices.contains(target) else {
      return nil
    }
    return names[target] == "\(target)" ? "\(target)" : "\(target) (class '\(names[target])')"
  }
}
