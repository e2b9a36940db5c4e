import Distributed

extension ImageNetwork {
  /// inputaware's network from images to maps of `outputs` channels of their size: three stages down
  /// to an eighth and three up again (91 state_dict entries).
  ///
  /// Each layer is a 3x3 convolution with a bias, BatchNorm of momentum 0.05 and a ReLU, which the
  /// last layer has not. Rows and columns of the images must be divisible by 8. It has the parameters
  /// of `store`, where that is given.
  package static func pattern(
    outputs: Int, images: Shape, store: ParameterStore? = nil
  ) -> ImageNetwork {
    ImageNetwork(inputShape: images, store: store) { trunk in
      for (stage, planes) in [32, 64, 128].enumerated() {
        for layer in 0..<2 {
          trunk.addPatternLayer("convblock_down_\(2 * stage + layer)", planes: planes)
        }
        trunk.add { shape, _ in MaxPoolBlock(input: shape, kernel: 2, stride: 2, padding: 0) }
      }
      trunk.addPatternLayer("convblock_middle", planes: 128)
      for (stage, planes) in [(128, 64), (64, 32), (32, outputs)].enumerated() {
        trunk.add { shape, _ in UpsampleBlock(input: shape) }
        trunk.addPatternLayer("convblock_up_\(2 * stage)", planes: planes.0)
        trunk.addPatternLayer(
          "convblock_up_\(2 * stage + 1)", planes: planes.1, relu: stage < 2)
      }
    }
  }
}

extension Trunk {
  fileprivate mutating func addPatternLayer(_ name: String, planes: Int, relu: Bool = true) {
    add { shape, plan in
      let conv = Conv2D("\(name).conv2d", input: shape, outputChannels: planes, plan: &plan)
      let bias = plan.parameter(
        "\(name).conv2d.bias", shape: [planes], role: .bias(fanIn: conv.weight.fanIn))
      return ConvolutionBlock(
        conv,
        BatchNorm2D(
          "\(name).batch_norm", channels: planes, inputBias: bias, momentum: 0.05, plan: &plan),
        relu: relu)
    }
  }
}
