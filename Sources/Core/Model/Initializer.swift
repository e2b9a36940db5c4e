/// PyTorch's default initialisation, from streams keyed by parameter.
public enum Initializer {
  /// Fills the parameters of `store`; running statistics keep their start values.
  ///
  /// Convolutions and linear layers are uniform in ±1/√fan-in (Kaiming uniform with a = √5),
  /// BatchNorm weights 1 and biases 0.
  public static func initialize(_ store: ParameterStore, seed: UInt64) {
    var fanIn = 1
    for (index, slot) in store.plan.parameters.enumerated() {
      let values = store.value(slot)
      if slot.shape.count > 1 {
        fanIn = slot.shape.dropFirst().reduce(1, *)
        var stream = RandomStream(seed: seed, purpose: .initialization, index: index)
        fillUniform(values, count: slot.count, fanIn: fanIn, stream: &stream)
      } else if slot.name == "linear.bias" {
        var stream = RandomStream(seed: seed, purpose: .initialization, index: index)
        fillUniform(values, count: slot.count, fanIn: fanIn, stream: &stream)
      } else {
        values.update(repeating: slot.name.hasSuffix(".weight") ? 1 : 0, count: slot.count)
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
