// torchvision's residual networks, which BackdoorBench's `resnet18`, `resnet34` and `resnet50` are:
// 7x7 stem with stride 2, max-pool, head `fc`.

extension NetworkKind {
  /// torchvision's ResNet18 (122 state_dict entries at 10 classes).
  public static let torchvisionResNet18 = torchvisionResNet(
    "resnet18", counts: [2, 2, 2, 2], isBottleneck: false)

  /// torchvision's ResNet34 (218 entries).
  public static let torchvisionResNet34 = torchvisionResNet(
    "resnet34", counts: [3, 4, 6, 3], isBottleneck: false)

  /// torchvision's ResNet50 (320 entries).
  public static let torchvisionResNet50 = torchvisionResNet(
    "resnet50", counts: [3, 4, 6, 3], isBottleneck: true)

  /// The original's own name stands in archives, ours is apart from the FST code's networks.
  private static func torchvisionResNet(
    _ original: String, counts: [Int], isBottleneck: Bool
  ) -> NetworkKind {
    NetworkKind(
      name: "torchvision_\(original)", archiveName: original, headName: "fc",
      initialization: .normalFanOut
    ) { trunk, size in
      trunk.add { shape, plan in
        ConvolutionBlock(
          Conv2D(
            "conv1", input: shape, outputChannels: size.width, kernel: 7, stride: 2, plan: &plan),
          BatchNorm2D("bn1", channels: size.width, plan: &plan))
      }
      trunk.addStemPool()
      trunk.addResidualStages(
        of: counts, size: size, isBottleneck: isBottleneck, shortcut: "downsample")
      trunk.addGlobalAveragePool()
    }
  }
}
