extension NetworkKind {
  /// torchvision's MobileNetV3 large: a 3x3 stem of 16 planes and stride 2, fifteen inverted
  /// residuals, a 1x1 convolution, and a hidden layer of 1,280 (312 state_dict entries at 10 classes).
  ///
  /// The published one is called width 64, like the others.
  public static let mobilenetV3Large = NetworkKind(
    name: "mobilenet_v3_large", headName: "classifier.3", stemName: "features.0.0.weight",
    initialization: .normal, widthOfStem: { 4 * $0 }
  ) { trunk, size in
    let planes = { (name: String, published: Int) in
      size.rows(of: "\(name).weight", default: max(published * size.width / 64, 1))
    }
    trunk.addActivated("features.0", planes: planes("features.0.0", 16), kernel: 3, stride: 2)
    for (index, row) in MobileRow.large.enumerated() {
      let name = "features.\(index + 1).block"
      // The first has no more planes inside than outside.
      let (inside, after) = (index > 0, (index > 0 ? 2 : 1) + (row.squeezed == nil ? 0 : 1))
      let plan = InvertedResidualBlock.Plan(
        expanded: inside ? planes("\(name).0.0", row.expanded) : nil, kernel: row.kernel,
        stride: row.stride, squeezed: row.squeezed.map { planes("\(name).2.fc1", $0) },
        outputs: planes("\(name).\(after).0", row.outputs),
        activation: index < 6 ? .relu : .hardswish)
      trunk.add { shape, layout in
        InvertedResidualBlock(name, input: shape, plan, plan: &layout)
      }
    }
    trunk.addActivated("features.16", planes: planes("features.16.0", 960), kernel: 1, stride: 1)
    trunk.addGlobalAveragePool()
    trunk.add { shape, layout in
      HiddenLayerBlock(
        "classifier.0", inputs: shape.channels, outputs: planes("classifier.0", 1280),
        activation: .hardswish, dropout: 0.2, index: 0, plan: &layout)
    }
  }
}

/// One row of table 1 in Howard and others, 2019.
private struct MobileRow {
  let kernel, expanded, outputs: Int
  let squeezed: Int?
  let stride: Int

  init(_ kernel: Int, _ expanded: Int, _ outputs: Int, _ squeezed: Int?, _ stride: Int) {
    (self.kernel, self.expanded, self.outputs) = (kernel, expanded, outputs)
    (self.squeezed, self.stride) = (squeezed, stride)
  }

  static let large = [
    MobileRow(3, 16, 16, nil, 1), MobileRow(3, 64, 24, nil, 2), MobileRow(3, 72, 24, nil, 1),
    MobileRow(5, 72, 40, 24, 2), MobileRow(5, 120, 40, 32, 1), MobileRow(5, 120, 40, 32, 1),
    MobileRow(3, 240, 80, nil, 2), MobileRow(3, 200, 80, nil, 1), MobileRow(3, 184, 80, nil, 1),
    MobileRow(3, 184, 80, nil, 1), MobileRow(3, 480, 112, 120, 1), MobileRow(3, 672, 112, 168, 1),
    MobileRow(5, 672, 160, 168, 2), MobileRow(5, 960, 160, 240, 1),
    MobileRow(5, 960, 160, 240, 1),
  ]
}

extension Trunk {
  /// A convolution `name.0` with its BatchNorm `name.1` and hardswish.
  fileprivate mutating func addActivated(_ name: String, planes: Int, kernel: Int, stride: Int) {
    add { shape, plan in
      let conv = Conv2D(
        "\(name).0", input: shape, outputChannels: planes, kernel: kernel, stride: stride,
        plan: &plan)
      return ActivatedConvolutionBlock(
        ActivatedConvolution(.full(conv), norm: "\(name).1", .hardswish, plan: &plan))
    }
  }
}
