/// The start values of parameters as PyTorch's networks draw them, from streams keyed by parameter.
public enum Initializer {
  /// Fills the parameters of `network`; running statistics keep their start values.
  public static func initialize(_ network: Network, seed: UInt64) {
    initialize(network.store, seed: seed)
    for (index, slot) in network.store.plan.parameters.enumerated() {
      guard let deviation = deviation(of: slot, network.kind.initialization) else { continue }
      let values = network.store.value(slot)
      var stream = RandomStream(seed: seed, purpose: .initialization, index: index)
      for place in 0..<slot.count { values[place] = stream.nextNormal() * deviation }
    }
  }

  /// The standard deviation of a normal parameter; nil where it is PyTorch's default.
  private static func deviation(
    of slot: ParameterSlot, _ initialization: NetworkKind.Initialization
  ) -> Float? {
    switch (initialization, slot.role) {
    case (.normalFanOut, .kernel), (.normal, .kernel):
      Float(2 / Double(slot.shape[0] * slot.fanIn / slot.shape[1])).squareRoot()
    case (.normalFanIn, .kernel): Float(2 / Double(slot.fanIn)).squareRoot()
    case (.normal, .matrix): 0.01
    case (.normal, .bias), (.normalFanIn, .bias): 0
    default: nil
    }
  }

  /// PyTorch's default: convolutions and linear layers are uniform in ±1/√fan-in (Kaiming uniform
  /// with a = √5), BatchNorm weights 1 and biases 0.
  public static func initialize(
    _ store: ParameterStore, seed: UInt64, purpose: RandomPurpose = .initialization
  ) {
    for (index, slot) in store.plan.parameters.enumerated() {
      let values = store.value(slot)
      var stream = RandomStream(seed: seed, purpose: purpose, index: index)
      switch slot.role {
      case .kernel, .matrix:
        fillUniform(values, count: slot.count, fanIn: slot.fanIn, stream: &stream)
      case .bias(let fanIn):
        fillUniform(values, count: slot.count, fanIn: fanIn, stream: &stream)
      case .normScale: values.update(repeating: 1, count: slot.count)
      case .normShift: values.update(repeating: 0, count: slot.count)
      }
    }
  }

  /// Re-initialises the head: weight and bias uniform in ±1/√inputs, as the FST code does.
  public static func initializeHead(_ head: Linear, of store: ParameterStore, seed: UInt64) {
    for (index, slot) in [head.weight, head.bias].enumerated() {
      var stream = RandomStream(seed: seed, purpose: .headInitialization, index: index)
      fillUniform(store.value(slot), count: slot.count, fanIn: head.inputs, stream: &stream)
    }
  }

  private static func fillUniform(
    _ values: UnsafeMutablePointer<Float>, count: Int, fanIn: Int, stream: inout RandomStream
  ) {
    let bound = 1 / Float(fanIn).squareRoot()
    for index in 0..<count { values[index] = (2 * stream.nextFloat() - 1) * bound }
  }
}
