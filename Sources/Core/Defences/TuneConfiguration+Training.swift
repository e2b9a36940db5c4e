import Distributed

extension TuneConfiguration {
  /// What a checkpoint must have been saved with to be gone on from.
  func identity(worldSize: Int, data: LabeledImages, model: ParameterStore) -> RunIdentity {
    let state = [model.values, model.buffers].map { Checksum.of(UnsafeRawBufferPointer($0.bytes)) }
    var identity = identity(worldSize: worldSize)
    identity.settings += [
      ("data", String(data.checksum, radix: 16)),
      ("attacked_model", String(state.withUnsafeBytes(Checksum.of), radix: 16)),
    ]
    return identity
  }
}
