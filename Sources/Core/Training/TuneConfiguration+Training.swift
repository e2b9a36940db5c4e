import Distributed

extension TuneConfiguration {
  /// What a checkpoint must have been saved with to be gone on from.
  func settings(
    worldSize: Int, data: LabeledImages, model: ParameterStore
  ) -> [(key: String, value: String)] {
    let state = [model.values, model.buffers].map { Checksum.of(UnsafeRawBufferPointer($0.bytes)) }
    return [
      ("attack", attack?.rawValue ?? "none"), ("dataset", dataset), ("model", self.model.rawValue),
      ("ft_mode", mode.rawValue), ("alpha", alpha.pythonRepr),
      ("lb_smooth", labelSmoothing?.pythonRepr ?? "none"),
    ] + trainingSettings(worldSize: worldSize) + [
      ("data", String(data.checksum, radix: 16)),
      ("attacked_model", String(state.withUnsafeBytes(Checksum.of), radix: 16)),
    ]
  }
}
