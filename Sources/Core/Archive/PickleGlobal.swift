/// The names a pickle may mention: constructors of data, each built by code of ours.
///
/// Nothing is ever looked up or called by a name from a file; what is not listed here is refused.
enum PickleGlobal: Equatable {
  case orderedDictionary
  case counter
  case namespace
  case rebuildTensorV2
  case rebuildTensor
  case rebuildParameter
  case storage(TorchType)
  case torchSize
  case torchDevice
  case torchType(TorchType)
  case numpyReconstruct
  case numpyFromBuffer
  case numpyScalar
  case numpyArray
  case numpyType
  case encode
  case bytes
  case set

  /// The constructor `module.name`, or nil where it is not allowed.
  init?(module: String, name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDictionary
    case ("collections", "Counter"): self = .counter
    case ("argparse", "Namespace"): self = .namespace
    case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensorV2
    case ("torch._utils", "_rebuild_tensor"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
    case ("torch", "Size"): self = .torchSize
    case ("torch", "device"): self = .torchDevice
    case ("torch.storage", "UntypedStorage"): self = .storage(.uint8)
    case ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"):
      self = .numpyReconstruct
    case ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"):
      self = .numpyFromBuffer
    case ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"):
      self = .numpyScalar
    case ("numpy", "ndarray"): self = .numpyArray
    case ("numpy", "dtype"): self = .numpyType
    case ("_codecs", "encode"): self = .encode
    case ("__builtin__", "bytes"), ("builtins", "bytes"): self = .bytes
    case ("__builtin__", "set"), ("builtins", "set"): self = .set
    default:
      guard let type = Self.torchName(module: module, name: name) else { return nil }
      self = type
    }
  }

  private static func torchName(module: String, name: String) -> PickleGlobal? {
    guard module == "torch" || module == "torch.cuda" else { return nil }
    if let type = TorchType.allCases.first(where: { name == $0.storageName + "Storage" }) {
      return .storage(type)
    }
    return module == "torch" ? TorchType(rawValue: name).map(PickleGlobal.torchType) : nil
  }
}
