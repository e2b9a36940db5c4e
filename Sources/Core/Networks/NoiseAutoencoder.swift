import Distributed

extension ImageNetwork {
  /// lira's network from images to noise of -1...1 of their size: four 4x4 convolutions of stride 2
  /// down to 128 planes, and four transposed ones up (51 state_dict entries).
  ///
  /// Rows and columns of the images must be divisible by 16.
  package static func noiseAutoencoder(
    images: Shape, store: ParameterStore? = nil
  ) -> ImageNetwork {
    ImageNetwork(inputShape: images, store: store) { trunk in
      for (layer, planes) in [16, 32, 64, 128].enumerated() {
        trunk.add { shape, plan in
          let name = "encoder.\(3 * layer)"
          let conv = Conv2D(
            name, input: shape, outputChannels: planes, kernel: 4, stride: 2, padding: 1,
            plan: &plan)
          let bias = plan.parameter(
            "\(name).bias", shape: [planes], role: .bias(fanIn: conv.weight.fanIn))
          return ConvolutionBlock(
            conv,
            BatchNorm2D(
              "encoder.\(3 * layer + 1)", channels: planes, inputBias: bias, plan: &plan))
        }
      }
      for (layer, planes) in [64, 32, 16, images.channels].enumerated() {
        trunk.add { shape, plan in
          TransposedConvolutionBlock(
            "decoder.\(3 * layer)", norm: layer < 3 ? "decoder.\(3 * layer + 1)" : nil,
            input: shape, outputChannels: planes, plan: &plan)
        }
      }
      trunk.add { shape, _ in TanhBlock(input: shape) }
    }
  }
}
