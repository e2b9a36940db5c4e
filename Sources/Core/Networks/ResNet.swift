// The residual networks of the FST code: for small images, with a 3x3 stem and a head `linear`.

extension NetworkKind {
  /// ResNet18: four stages of two basic blocks (122 state_dict entries at 10 classes).
  public static let resnet18 = smallResNet("resnet18", counts: [2, 2, 2, 2], isBottleneck: false)

  /// ResNet34: basic blocks (218 entries).
  public static let resnet34 = smallResNet("resnet34", counts: [3, 4, 6, 3], isBottleneck: false)

  /// ResNet50: bottlenecks, whose outputs are four times as wide (320 entries).
  public static let resnet50 = smallResNet("resnet50", counts: [3, 4, 6, 3], isBottleneck: true)

  private static func smallResNet(
    _ name: String, counts: [Int], isBottleneck: Bool
  ) -> NetworkKind {
    NetworkKind(name: name, headName: "linear", mayPoolStem: true) { trunk, size in
      trunk.addSmallStem(width: size.width, normalizes: true)
      if size.poolsStem { trunk.addStemPool() }
      trunk.addResidualStages(
        of: counts, size: size, isBottleneck: isBottleneck, shortcut: "shortcut")
      trunk.addGlobalAveragePool()
    }
  }
}

extension Trunk {
  /// The 3x3 convolution `conv1` that small images begin with, and `bn1` with ReLU after it.
  mutating func addSmallStem(width: Int, normalizes: Bool) {
    add { shape, plan in
      let conv = Conv2D("conv1", input: shape, outputChannels: width, plan: &plan)
      let bn = normalizes ? BatchNorm2D("bn1", channels: width, plan: &plan) : nil
      return ConvolutionBlock(conv, bn)
    }
  }

  /// The max-pool between stem and stages of networks for large images: 3x3, stride 2.
  mutating func addStemPool() {
    add { shape, _ in MaxPoolBlock(input: shape, kernel: 3, stride: 2, padding: 1) }
  }

  /// Stages of basic blocks, or of bottlenecks (table 1 of the ResNet paper, 2016).
  mutating func addResidualStages(
    of counts: [Int], size: NetworkSize, isBottleneck: Bool, shortcut: String
  ) {
    addStages(of: counts, size: size) { name, input, planes, stride, plan in
      let stage = name.prefix { $0 != "." }
      let outputs = size.rows(
        of: "\(stage).0.conv\(isBottleneck ? 3 : 2).weight",
        default: isBottleneck ? 4 * planes : planes)
      return ResidualBlock(
        name, input: input, kernels: isBottleneck ? [1, 3, 1] : [3, 3],
        planes: isBottleneck ? [planes, planes, outputs] : [planes, outputs], stride: stride,
        shortcut: shortcut, plan: &plan)
    }
  }

  /// Stages `layer1`, `layer2`, … of so many blocks each; all but the first halve the image and
  /// double the planes, unless an archive shows others.
  mutating func addStages(
    of counts: [Int], size: NetworkSize,
    _ make: (
      _ name: String, _ input: Shape, _ planes: Int, _ stride: Int, inout ParameterLayoutPlan
    ) -> any Block
  ) {
    for (stage, count) in counts.enumerated() {
      let planes = size.rows(
        of: "layer\(stage + 1).0.conv1.weight", default: size.width << stage)
      for position in 0..<count {
        add { shape, plan in
          make(
            "layer\(stage + 1).\(position)", shape, planes,
            stage > 0 && position == 0 ? 2 : 1, &plan)
        }
      }
    }
  }
}
