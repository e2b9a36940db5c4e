extension NetworkKind {
  /// torchvision's VGG19 with BatchNorm: sixteen 3x3 convolutions with biases in five stages, each
  /// with a 2x2 max-pool at its end, and two hidden layers of 4,096 (118 state_dict entries at 10
  /// classes).
  ///
  /// `classifier.6` is the head; what it is given are the features.
  public static let vgg19BN = NetworkKind(
    name: "vgg19_bn", headName: "classifier.6", stemName: "features.0.weight",
    initialization: .normal, leastSide: 32
  ) { trunk, size in
    var index = 0
    for (stage, count) in [2, 2, 4, 4, 4].enumerated() {
      for _ in 0..<count {
        trunk.addBiasedConvolution(
          "features.\(index)", norm: "features.\(index + 1)",
          planes: size.rows(
            of: "features.\(index).weight", default: size.width << min(stage, 3)))
        index += 3
      }
      trunk.add { shape, _ in MaxPoolBlock(input: shape, kernel: 2, stride: 2, padding: 0) }
      index += 1
    }
    let copies = trunk.addPoolToSeven()
    for (layer, name) in ["classifier.0", "classifier.3"].enumerated() {
      let outputs = size.rows(of: "\(name).weight", default: 64 * size.width)
      trunk.add { shape, plan in
        HiddenLayerBlock(
          name, inputs: shape.channels, copies: layer == 0 ? copies : 1, outputs: outputs,
          dropout: 0.5, index: layer, plan: &plan)
      }
    }
  }
}

extension Trunk {
  /// An average pool to maps of 7x7, and how often the next layer is to take what it is given.
  ///
  /// Images of 32x32 leave one pixel, which the pool would copy 49 times: the layer after it does
  /// without the copies.
  fileprivate mutating func addPoolToSeven() -> Int {
    guard shape.height * shape.width > 1 else { return 49 }
    add { shape, _ in AdaptivePoolBlock(input: shape, side: 7) }
    return 1
  }

  /// A 3x3 convolution `name` with a bias, its BatchNorm `norm` and a ReLU.
  fileprivate mutating func addBiasedConvolution(_ name: String, norm: String, planes: Int) {
    add { shape, plan in
      let conv = Conv2D(name, input: shape, outputChannels: planes, plan: &plan)
      let bias = plan.parameter(
        "\(name).bias", shape: [planes], role: .bias(fanIn: conv.weight.fanIn))
      return ConvolutionBlock(
        conv, BatchNorm2D(norm, channels: planes, inputBias: bias, plan: &plan))
    }
  }
}
