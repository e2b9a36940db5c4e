/// clp: prunes the channels whose bound on the Lipschitz constant is an outlier in their layer.
///
/// Zheng et al., Data-free Backdoor Removal based on Channel Lipschitzness, ECCV 2022. No data.
///
/// The bound of channel c is the largest singular value of its kernel as a matrix [in, k k], times
/// |γ / √(running variance)|; pruned is what lies above mean + u standard deviations (unbiased) of
/// the layer: γ and β become 0. A normalisation goes with the convolution last before it in module
/// order, as in the original. All bounds are those of the unpruned network.
package struct ChannelLipschitzPruning: Defence {
  package static let name = "clp"
  package static let summary = "prunes channels of outlying Lipschitz bounds; needs no data"

  /// The standard deviations above the mean from which on a channel is pruned.
  package var threshold = 3.0
  /// The thresholds of the table: the smallest, the largest, and how many.
  package var smallest = 0.0
  package var largest = 10.0
  package var count = 21

  package init() {}

  package static let fields: [ConfigField<Self>] = [
    .number("u", \.threshold, .finite).help(
      "Prune channels whose bound is so many standard deviations above their layer's mean", "n",
      in: .attack),
    .number("u_min", \.smallest, .finite).help(
      "The smallest --u of the table that --selection benchmark writes", "n", in: .attack),
    .number("u_max", \.largest, .finite).help("The largest, likewise", "n", in: .attack),
    .integer("u_num", \.count, 1...1000).help("How many there are", "n", in: .attack),
  ]

  package func purify(_ stage: DefenceStage) throws -> Purified {
    let store = stage.network.store
    let bounds = Self.bounds(in: store)
    var purified = Purified()
    if stage.configuration.selection == .benchmark {
      purified.tables = [("u_step_df.csv", try table(stage, bounds))]
    }
    let pruned = Self.prune(threshold, bounds, in: store)
    purified.findings = ["pruned \(pruned) of \(bounds.reduce(0) { $0 + $1.count }) channels"]
    return purified
  }

  /// What prunings by other thresholds do to the test set.
  private func table(_ stage: DefenceStage, _ bounds: [[Double]]) throws -> AttackDataFrame {
    var table = PruningSweep.table(["u", "num_pruned"])
    let interval = count > 1 ? (largest - smallest) / Double(count - 1) : 0
    for index in 0..<count {
      let threshold = smallest + Double(index) * interval
      let (pruned, judgement) = try stage.network.store.withPassingChange {
        let pruned = Self.prune(threshold, bounds, in: stage.network.store)
        return (pruned, try PruningSweep(stage).judge())
      }
      table.append(PruningSweep.row([.number(threshold), .count(pruned)], judgement))
      PruningSweep(stage).tell(table.rows.count, of: count)
    }
    return table
  }

  /// Prunes the outliers among `bounds`; how many they are.
  private static func prune(
    _ threshold: Double, _ bounds: [[Double]], in store: ParameterStore
  ) -> Int {
    var pruned = 0
    for (layer, values) in zip(store.plan.normLayers, bounds) {
      for channel in outliers(values, threshold: threshold) {
        store.values.pointer[layer.scale.offset + channel] = 0
        store.values.pointer[layer.shift.offset + channel] = 0
        pruned += 1
      }
    }
    return pruned
  }

  /// The bounds of all normalisations in module order.
  package static func bounds(in store: ParameterStore) -> [[Double]] {
    store.plan.normLayers.map { bounds(of: $0, in: store) }
  }

  /// The bound of each channel of `layer`: [C]; empty where no kernel has its channels.
  static func bounds(of layer: NormLayer, in store: ParameterStore) -> [Double] {
    guard let kernel = layer.kernel, kernel.shape[0] == layer.channels else { return [] }
    let (outputs, area) = (kernel.shape[0], kernel.shape[2] * kernel.shape[3])
    let grams = self.grams(of: kernel, in: store)
    return (0..<layer.channels).map { channel in
      let factor = Double(store.values.pointer[layer.scale.offset + channel])
      let variance = Double(store.buffers.pointer[layer.variance.offset + channel])
      // A channel that never varied passes on a constant: it bounds nothing.
      guard variance > 0 else { return 0 }
      let gram = (0..<area * area).map { grams[$0 * outputs + channel] }
      return largestEigenvalue(gram, order: area).squareRoot() * abs(factor / variance.squareRoot())
    }
  }

  /// Wᵀ W of each output channel, W being its kernel as a matrix [in, k k]: [k k, k k, out].
  private static func grams(of kernel: ParameterSlot, in store: ParameterStore) -> [Double] {
    let (outputs, inputs) = (kernel.shape[0], kernel.shape[1])
    let area = kernel.shape[2] * kernel.shape[3]
    // HWIO in memory: all output channels of a place and an input lie side by side.
    let weights = store.values.pointer + kernel.offset
    var grams = [Double](repeating: 0, count: area * area * outputs)
    for first in 0..<area {
      for second in 0...first {
        let sums = (first * area + second) * outputs
        for input in 0..<inputs {
          let one = weights + (first * inputs + input) * outputs
          let other = weights + (second * inputs + input) * outputs
          for output in 0..<outputs {
            grams[sums + output] += Double(one[output]) * Double(other[output])
          }
        }
        let mirrored = (second * area + first) * outputs
        for output in 0..<outputs { grams[mirrored + output] = grams[sums + output] }
      }
    }
    return grams
  }

  /// The largest eigenvalue of a symmetric, positive semidefinite matrix, by power iteration.
  static func largestEigenvalue(_ matrix: [Double], order: Int) -> Double {
    guard let start = (0..<order).max(by: { matrix[$0 * (order + 1)] < matrix[$1 * (order + 1)] }),
      matrix[start * (order + 1)] > 0
    else { return 0 }
    var vector = Array(matrix[start * order..<(start + 1) * order])
    var (image, value) = (vector, 0.0)
    for _ in 0..<10_000 {
      let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
      for place in 0..<order { vector[place] /= length }
      var next = 0.0
      for row in 0..<order {
        var sum = 0.0
        for column in 0..<order { sum += matrix[row * order + column] * vector[column] }
        image[row] = sum
        next += vector[row] * sum
      }
      if abs(next - value) <= 1e-14 * next { return next }
      value = next
      swap(&vector, &image)
    }
    return value
  }

  /// The positions of `values` above their mean plus `threshold` standard deviations.
  package static func outliers(_ values: [Double], threshold: Double) -> [Int] {
    guard values.count > 1 else { return [] }
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = (squares / Double(values.count - 1)).squareRoot()
    return values.indices.filter { values[$0] > mean + threshold * deviation }
  }
}
