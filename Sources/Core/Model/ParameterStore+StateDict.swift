extension ParameterStore {
  /// The model's state with PyTorch's names, order and layout.
  public func stateDict() -> StateDict {
    StateDict(
      plan.state.map { slot in
        switch slot {
        case .parameter(let slot):
          let values = Array(UnsafeBufferPointer(start: value(slot), count: slot.count))
          return StateDict.Entry(
            name: slot.name, shape: slot.shape,
            values: .float32(
              slot.layout == .convolutionHWIO ? Self.oihw(values, shape: slot.shape) : values))
        case .buffer(let slot):
          return StateDict.Entry(
            name: slot.name, shape: [slot.count],
            values: .float32(Array(UnsafeBufferPointer(start: buffer(slot), count: slot.count))))
        case .counter(let name, let index):
          return StateDict.Entry(name: name, shape: [], values: .int64([batchesTracked[index]]))
        }
      })
  }

  /// Overwrites the model's state; nothing is changed where `stateDict` does not fit, or where a
  /// count of batches is none that a run comes to (the next batch would overflow it).
  ///
  /// Entries are found by name, in any order; all must be there, with their shapes, and no others.
  public func load(_ stateDict: StateDict) throws {
    let entries = Dictionary(stateDict.entries.map { ($0.name, $0) }) { first, _ in first }
    let found = try plan.state.map { try Self.entry(for: $0, in: entries) }
    let names = Set(found.map(\.name))
    if let extra = entries.keys.filter({ !names.contains($0) }).min() {
      throw StateDictMismatch(description: "\(extra): an entry that the model does not have")
    }
    for (slot, entry) in zip(plan.state, found) { store(entry, in: slot) }
  }

  private func store(_ entry: StateDict.Entry, in slot: StateSlot) {
    switch (slot, entry.values) {
    case (.parameter(let slot), .float32(let values)):
      let ordered =
        slot.layout == .convolutionHWIO ? Self.hwio(values, shape: slot.shape) : values
      value(slot).update(from: ordered, count: slot.count)
    case (.buffer(let slot), .float32(let values)):
      buffer(slot).update(from: values, count: slot.count)
    case (.counter(_, let index), .int64(let values)):
      batchesTracked[index] = values[0]
    default:
      preconditionFailure("\(entry.name) was checked by entry(for:in:)")
    }
  }

  private static func entry(
    for slot: StateSlot, in entries: [String: StateDict.Entry]
  ) throws -> StateDict.Entry {
    let (name, shape, isInteger) = (slot.name, slot.shape, slot.isCounter)
    guard let entry = entries[name] else {
      throw StateDictMismatch(description: "\(name): missing, expected a tensor of \(shape)")
    }
    let holdsIntegers = if case .int64 = entry.values { true } else { false }
    guard entry.shape == shape, holdsIntegers == isInteger else {
      throw StateDictMismatch(
        description: "\(name): expected \(isInteger ? "int64" : "float32") of \(shape), "
          + "found \(holdsIntegers ? "int64" : "float32") of \(entry.shape)")
    }
    if case .int64(let counts) = entry.values,
      let count = counts.first(where: { !(0...StateDict.largestBatchCount).contains($0) })
    {
      throw StateDictMismatch(
        description: "\(name): expected 0 to \(StateDict.largestBatchCount), found \(count)")
    }
    return entry
  }

  /// `shape` is PyTorch's [O, I, H, W]; the result is in its order, `values` are HWIO.
  private static func oihw(_ values: [Float], shape: [Int]) -> [Float] {
    var result = [Float](repeating: 0, count: values.count)
    forEachWeight(shape) { oihw, hwio in result[oihw] = values[hwio] }
    return result
  }

  /// `shape` is PyTorch's [O, I, H, W], as `values` are; the result is HWIO.
  private static func hwio(_ values: [Float], shape: [Int]) -> [Float] {
    var result = [Float](repeating: 0, count: values.count)
    forEachWeight(shape) { oihw, hwio in result[hwio] = values[oihw] }
    return result
  }

  private static func forEachWeight(_ shape: [Int], _ body: (_ oihw: Int, _ hwio: Int) -> Void) {
    let (outputs, inputs, taps) = (shape[0], shape[1], shape[2] * shape[3])
    for o in 0..<outputs {
      for i in 0..<inputs {
        for tap in 0..<taps {
          body((o * inputs + i) * taps + tap, (tap * inputs + i) * outputs + o)
        }
      }
    }
  }
}
