import Foundation

/// Class probabilities and the classes that logits [N, 1, 1, classes] stand for.
package enum Classes {
  /// The first class with the largest logit, for each image.
  static func of(_ logits: Tensor) -> [Int] {
    let classes = logits.shape.channels
    return (0..<logits.shape.batch).map { image in
      let row = logits.pointer + image * classes
      return (1..<max(classes, 1)).reduce(0) { row[$1] > row[$0] ? $1 : $0 }
    }
  }

  /// The softmax of each image's logits.
  package static func probabilities(_ logits: Tensor) -> [[Double]] {
    let classes = logits.shape.channels
    return (0..<logits.shape.batch).map { image in
      let row = (0..<classes).map { Double(logits.pointer[image * classes + $0]) }
      let largest = row.max() ?? 0
      let powers = row.map { Foundation.exp($0 - largest) }
      let sum = powers.reduce(0, +)
      return powers.map { $0 / sum }
    }
  }

  /// The gradient by an image's logits, given that by its probabilities `p`.
  static func gradient(_ slopes: [Double], at p: [Double]) -> [Double] {
    let mean = zip(slopes, p).reduce(0) { $0 + $1.0 * $1.1 }
    return zip(slopes, p).map { $1 * ($0 - mean) }
  }
}

/// How far a batch's changed images fool two networks alike: the loss of sau's search, and its
/// gradients.
///
/// a, b are the networks' logits of x', p, q their softmax of at least 1e-8, m = (p + q) / 2. Adv = -(Σ
/// CE(a, y) where a's class is still that of x + the same of b) / 2B. Js = Σ [p log p + q log q - (p +
/// q) log m] / 2B over the images that are not shared: both fooled, into the same class. B is the
/// global batch.
struct SharedExamples {
  /// β₁ Adv + β₂ Js of this rank's images.
  private(set) var loss = 0.0
  /// The gradients by the logits of the current and of the attacked network.
  let gradient, attackedGradient: Tensor
  /// The images that fool both alike.
  private(set) var sharedCount = 0

  /// What logits of changed images come to, given the classes of the images as they were.
  init(
    _ logits: Tensor, _ attackedLogits: Tensor, clean: [Int], cleanAttacked: [Int], batch: Batch,
    settings: SharedAdversarialUnlearning
  ) {
    (gradient, attackedGradient) = (Tensor(logits.shape), Tensor(logits.shape))
    let (mine, theirs) = (Classes.of(logits), Classes.of(attackedLogits))
    let (ps, qs) = (Classes.probabilities(logits), Classes.probabilities(attackedLogits))
    let images = Double(batch.globalCount)
    let (fooling, agreeing) = (
      settings.adversarialWeight / (2 * images), settings.divergenceWeight / images
    )
    for image in 0..<batch.count {
      let (label, p, q) = (Int(batch.labels[image]), ps[image], qs[image])
      var (slopes, attackedSlopes) = (
        [Double](repeating: 0, count: p.count), [Double](repeating: 0, count: p.count)
      )
      let (isFooled, isAttackedFooled) = (
        mine[image] != clean[image], theirs[image] != cleanAttacked[image]
      )
      if !isFooled { addFooling(p, label, fooling, to: &slopes) }
      if !isAttackedFooled { addFooling(q, label, fooling, to: &attackedSlopes) }
      if isFooled && isAttackedFooled && mine[image] == theirs[image] {
        sharedCount += 1
      } else {
        addDivergence(p, q, agreeing, to: &slopes, &attackedSlopes)
      }
      for (k, (slope, attackedSlope)) in zip(slopes, attackedSlopes).enumerated() {
        gradient.pointer[image * p.count + k] = Float(slope)
        attackedGradient.pointer[image * p.count + k] = Float(attackedSlope)
      }
    }
  }

  private mutating func addFooling(
    _ p: [Double], _ label: Int, _ weight: Double, to slopes: inout [Double]
  ) {
    loss += weight * Foundation.log(max(p[label], .leastNormalMagnitude))
    for k in p.indices { slopes[k] -= weight * (p[k] - (k == label ? 1 : 0)) }
  }

  private mutating func addDivergence(
    _ p: [Double], _ q: [Double], _ weight: Double, to slopes: inout [Double],
    _ attackedSlopes: inout [Double]
  ) {
    let least = 1e-8
    let halves = zip(p, q).map { p, q in
      let (p1, q1) = (max(p, least), max(q, least))
      let middle = (p1 + q1) / 2
      return (p: 0.5 * Foundation.log(p1 / middle), q: 0.5 * Foundation.log(q1 / middle))
    }
    for (k, half) in halves.enumerated() {
      loss += weight * (max(p[k], least) * half.p + max(q[k], least) * half.q)
    }
    // By p it is log(p / m) / 2, and nothing where p was raised.
    let byP = zip(halves, p).map { $1 < least ? 0 : weight * $0.p }
    let byQ = zip(halves, q).map { $1 < least ? 0 : weight * $0.q }
    for (k, slope) in Classes.gradient(byP, at: p).enumerated() { slopes[k] += slope }
    for (k, slope) in Classes.gradient(byQ, at: q).enumerated() { attackedSlopes[k] += slope }
  }
}

/// λ₂ CE(x') + λ₃ Ls of a batch's changed images, and its gradient.
///
/// Ls = -Σ [log(1e-6 + min(N, 0.999)) + log(1 + 1e-6 - max(P, 0.001))] / 2B over suspicious images,
/// P being the probability of the reference class and N the sum of the others'.
struct UnlearningLoss {
  /// The loss of this rank's images.
  private(set) var loss = 0.0
  /// Its gradient by the logits.
  let gradient: Tensor

  /// What the logits of changed images come to.
  init(
    _ logits: Tensor, references: [Int], cleanClasses: [Int], batch: Batch,
    settings: SharedAdversarialUnlearning
  ) {
    gradient = Tensor(logits.shape)
    if settings.adversarialTrainingWeight != 0 {
      let result = CrossEntropy().evaluate(
        logits, labels: batch.labels, globalCount: batch.globalCount, gradient: gradient)
      let weight = settings.adversarialTrainingWeight
      loss = weight * result.lossSum / Double(batch.globalCount)
      for place in 0..<gradient.shape.count { gradient.pointer[place] *= Float(weight) }
    }
    let weight = settings.unlearningWeight / (2 * Double(batch.globalCount))
    for (image, p) in Classes.probabilities(logits).enumerated() {
      let reference = references[image]
      guard reference != Int(batch.labels[image]), reference != cleanClasses[image] else {
        continue
      }
      let (own, others) = (p[reference], 1 - p[reference])
      loss -= weight * Foundation.log(1e-6 + min(others, 0.999))
      loss -= weight * Foundation.log(1 + 1e-6 - max(own, 0.001))
      let slopes = p.indices.map { k -> Double in
        if k == reference { return own > 0.001 ? weight / (1 + 1e-6 - own) : 0 }
        return others < 0.999 ? -weight / (1e-6 + others) : 0
      }
      for (k, slope) in Classes.gradient(slopes, at: p).enumerated() {
        gradient.pointer[image * p.count + k] += Float(slope)
      }
    }
  }
}
