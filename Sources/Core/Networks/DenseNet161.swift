extension NetworkKind {
  /// torchvision's DenseNet161: a 7x7 stem of 96 planes, dense blocks of 6, 12, 36 and 24 layers that
  /// add 48 planes each, and a halving between them (967 state_dict entries at 10 classes).
  ///
  /// The published one is called width 64, like the others; its stem has half as many planes again.
  public static let densenet161 = NetworkKind(
    name: "densenet161", headName: "classifier", stemName: "features.conv0.weight",
    initialization: .normalFanIn, leastSide: 29, widthOfStem: { max($0 * 2 / 3, 1) }
  ) { trunk, size in
    let stem = size.rows(of: "features.conv0.weight", default: size.width * 3 / 2)
    trunk.add { shape, plan in
      ConvolutionBlock(
        Conv2D(
          "features.conv0", input: shape, outputChannels: stem, kernel: 7, stride: 2, plan: &plan),
        BatchNorm2D("features.norm0", channels: stem, plan: &plan))
    }
    trunk.addStemPool()
    for (index, count) in [6, 12, 36, 24].enumerated() {
      trunk.addDenseBlock("features.denseblock\(index + 1)", layers: count, size: size)
      if index < 3 { trunk.addTransition("features.transition\(index + 1)") }
    }
    trunk.add { shape, plan in NormalizationBlock("features.norm5", input: shape, plan: &plan) }
    trunk.addGlobalAveragePool()
  }
}

extension Trunk {
  /// More layers in a block, and planes that one adds, than any network in use has; every layer
  /// sees all before it, so archives that claim more would cost the square.
  private static var mostLayers: Int { 64 }
  private static var mostGrowth: Int { 512 }

  /// So many dense layers, or those that an archive shows.
  fileprivate mutating func addDenseBlock(_ name: String, layers: Int, size: NetworkSize) {
    let shown = (1...Self.mostLayers).prefix {
      size.shapes["\(name).denselayer\($0).conv1.weight"] != nil
    }.count
    for layer in 1...max(shown > 0 ? shown : layers, 1) {
      let name = "\(name).denselayer\(layer)"
      let growth = min(
        size.rows(of: "\(name).conv2.weight", default: max(size.width * 3 / 4, 1)), Self.mostGrowth)
      let planes = min(
        size.rows(of: "\(name).conv1.weight", default: 4 * growth), 4 * Self.mostGrowth)
      add { shape, plan in
        DenseLayerBlock(name, input: shape, planes: planes, growth: growth, plan: &plan)
      }
    }
  }

  /// A 1x1 convolution to half the planes, and a pool to half the sides.
  fileprivate mutating func addTransition(_ name: String) {
    add { shape, plan in
      NormalizedConvolutionBlock(
        NormalizedConvolution(
          norm: "\(name).norm", "\(name).conv", input: shape,
          outputChannels: max(shape.channels / 2, 1), kernel: 1, plan: &plan))
    }
    add { shape, _ in AveragePoolBlock(input: shape) }
  }
}
