import Distributed

/// What is added to the masks of channels and to their shifts' factor 1: [channels] each.
package struct NeuronNoise {
  /// n.
  package var scale: [Float]
  /// b.
  package var shift: [Float]

  /// Noise of these values.
  package init(scale: [Float], shift: [Float]) { (self.scale, self.shift) = (scale, shift) }

  /// Uniform in ±`extent`: of each layer all n, then all b.
  init(_ layers: [NormLayer], extent: Double, stream: RandomStream) {
    (scale, shift) = ([], [])
    var stream = stream
    let extent = Float(extent)
    for layer in layers {
      scale += (0..<layer.channels).map { _ in (2 * stream.nextFloat() - 1) * extent }
      shift += (0..<layer.channels).map { _ in (2 * stream.nextFloat() - 1) * extent }
    }
  }
}

/// Masks m on the channels of a network's normalisations; it owns them, and the network's own γ and
/// β, in whose place stand γ (m + n) and β (1 + b).
///
/// Channels are counted over all layers in module order.
package final class NeuronMasks {
  /// The network that is masked, which is the masks' own.
  package let network: Network
  /// Its normalisations.
  package let layers: [NormLayer]
  /// m and its gradient: [channels].
  package let store: ParameterStore
  private let scales: [Float]
  private let shifts: [Float]

  /// Masks of 1 on `network`.
  package init(_ network: Network) {
    self.network = network
    let layers = network.store.plan.normLayers
    self.layers = layers
    func own(_ slot: (NormLayer) -> ParameterSlot) -> [Float] {
      layers.flatMap { layer in slot(layer).range.map { network.store.values.pointer[$0] } }
    }
    (scales, shifts) = (own(\.scale), own(\.shift))
    var plan = ParameterLayoutPlan()
    _ = plan.parameter("masks", shape: [scales.count], role: .normScale)
    store = ParameterStore(plan)
    store.values.pointer.update(repeating: 1, count: scales.count)
  }

  /// All channels.
  package var count: Int { scales.count }

  /// Puts γ (m + n) and β (1 + b) into the network; without noise γ m and β.
  package func apply(_ noise: NeuronNoise? = nil) {
    let (masks, values) = (store.values.pointer, network.store.values.pointer)
    var channel = 0
    for layer in layers {
      for place in 0..<layer.channels {
        let (n, b) = (noise?.scale[channel] ?? 0, noise?.shift[channel] ?? 0)
        values[layer.scale.offset + place] = scales[channel] * (masks[channel] + n)
        values[layer.shift.offset + place] = shifts[channel] * (1 + b)
        channel += 1
      }
    }
  }

  /// The gradients by n, which are those by m, and by b, given the sums that the passes have of the
  /// network's γ and β.
  func gradients(_ passes: SharedPasses) throws -> (scale: [Float], shift: [Float]) {
    let sums = try passes.summedGradients(in: layers.map(\.scale.range) + layers.map(\.shift.range))
    return (
      zip(scales, sums).map { $0 * Float($1) }, zip(shifts, sums[count...]).map { $0 * Float($1) }
    )
  }

  /// Holds the masks in 0...1.
  func clip() {
    for place in 0..<count {
      store.values.pointer[place] = min(max(store.values.pointer[place], 0), 1)
    }
  }

  /// The channels in the order in which they are pruned.
  package var order: NeuronOrder { NeuronOrder(masks: store.values.array, layers: layers) }
}

/// The channels of all normalisations, those with the smallest masks first.
package struct NeuronOrder {
  /// A channel of layer number `layer`, with its mask to four decimals.
  package struct Neuron: Equatable {
    /// The layer in module order.
    package var layer: Int
    /// The channel in the layer.
    package var channel: Int
    /// The mask.
    package var value: Double
  }

  /// All of them.
  package let neurons: [Neuron]
  private let layers: [NormLayer]

  /// The channels by their masks, rounded to four decimals; of equal ones the first in module order.
  package init(masks: [Float], layers: [NormLayer]) {
    self.layers = layers
    var neurons: [Neuron] = []
    for (index, layer) in layers.enumerated() {
      for channel in 0..<layer.channels {
        let mask = Double(masks[neurons.count])
        neurons.append(
          Neuron(
            layer: index, channel: channel,
            value: (mask * 10_000).rounded(.toNearestOrEven) / 10_000))
      }
    }
    let order = neurons.indices.sorted { (neurons[$0].value, $0) < (neurons[$1].value, $1) }
    self.neurons = order.map { neurons[$0] }
  }

  /// How many have a mask of `threshold` or below.
  package func count(upTo threshold: Double) -> Int {
    neurons.firstIndex { $0.value > threshold } ?? neurons.count
  }

  /// Sets γ of the first `count` to 0 in `store`; β stays.
  package func prune(_ count: Int, in store: ParameterStore) {
    for neuron in neurons.prefix(count) {
      store.values.pointer[layers[neuron.layer].scale.offset + neuron.channel] = 0
    }
  }
}
