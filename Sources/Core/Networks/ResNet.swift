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
    NetworkKind(name: name, headName: "linear") { trunk, size in
      trunk.addSmallStem(width: size.width, normalizes: true)
      trunk.addResidualStages(
        of: counts, width: size.width, isBottleneck: isBottleneck, shortcut: "shortcut")
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

  /// Stages of basic blocks, or of bottlenecks (table 1 of the ResNet paper, 2016).
  mutating func addResidualStages(
    of counts: [Int], width: Int, isBottleneck: Bool, shortcut: String
  ) {
    addStages(of: counts, width: width) { name, input, planes, stride, plan in
      ResidualBlock(
        name, input: input, kernels: isBottleneck ? [1, 3, 1] : [3, 3],
        planes: isBottleneck ? [planes, planes, 4 * planes] : [planes, planes], stride: stride,
        shortcut: shortcut, plan: &plan)
    }
  }

  /// Stages `layer1`, `layer2`, … of so many blocks each; all but the first halve the image and
  /// double the planes, which `width` is the first stage's number of.
  mutating func addStages(
    of counts: [Int], width: Int,
    _ make: (
      _ name: String, _ input: Shape, _ planes: Int, _ stride: Int, inout ParameterLayoutPlan
    ) -> any Block
  ) {
    for (stage, count) in counts.enumerated() {
      for position in 0..<count {
        add { shape, plan in
          make(
            "layer\(stage + 1).\(position)", shape, width << stage,
            stage > 0 && position == 0 ? 2 : 1, &plan)
        }
      }
    }
  }
}
