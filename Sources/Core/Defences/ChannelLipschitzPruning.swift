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
    return KernelNorms.squared(of: kernel, in: store).enumerated().map { channel, norm in
      let factor = Double(store.values.pointer[layer.scale.offset + channel])
      let variance = Double(store.buffers.pointer[layer.variance.offset + channel])
      // A channel that never varied passes on a constant: it bounds nothing.
      guard variance > 0 else { return 0 }
      return norm.squareRoot() * abs(factor / variance.squareRoot())
    }
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
