extension NetworkKind {
  /// The ResNet18 of pre-activation blocks, with BatchNorm neither after the stem nor before the
  /// pool (102 state_dict entries at 10 classes).
  public static let preactresnet18 = NetworkKind(name: "preactresnet18", headName: "linear") {
    trunk, size in
    trunk.addSmallStem(width: size.width, normalizes: false)
    trunk.addStages(of: [2, 2, 2, 2], size: size) {
      PreActBlock($0, input: $1, outputChannels: $2, stride: $3, plan: &$4)
    }
    trunk.addGlobalAveragePool()
  }
}
