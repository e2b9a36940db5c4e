/// A kind of network: its blocks, and how archives of it are known.
///
/// `Networks.all` lists them; one is known by its name.
public struct NetworkKind: Sendable {
  /// What it is called here, such as `resnet18`.
  public let name: String
  /// What archives call it: the originals have two networks of one name.
  public let archiveName: String
  /// The module of the head in its state_dict.
  public let headName: String
  /// The weight whose first number is the planes of the first stage.
  let stemName: String
  /// How its parameters are drawn.
  let initialization: Initialization
  /// The least height and width of its images.
  let leastSide: Int
  /// Whether a max-pool may follow its stem, which tensors do not show.
  let mayPoolStem: Bool
  /// The width of a network whose stem has so many planes.
  let widthOfStem: @Sendable (_ planes: Int) -> Int
  /// Adds the blocks of such a size.
  let build: @Sendable (inout Trunk, NetworkSize) -> Void

  /// How the parameters of kernels and linear layers are drawn.
  enum Initialization: Sendable {
    /// Uniform in ±1/√fan-in: PyTorch's default.
    case uniformFanIn
    /// Kernels normal with a variance of 2 / fan-out, linear layers as by default: torchvision's
    /// residual networks.
    case normalFanOut
    /// Kernels normal with a variance of 2 / fan-in, linear layers as by default, but biases 0:
    /// torchvision's DenseNet.
    case normalFanIn
    /// Kernels as with fan-out, linear layers normal with a deviation of 0.01, all biases 0: torchvision's
    /// VGG.
    case normal
  }

  /// A network that `build` adds the blocks of.
  init(
    name: String, archiveName: String? = nil, headName: String, stemName: String = "conv1.weight",
    initialization: Initialization = .uniformFanIn, leastSide: Int = 1, mayPoolStem: Bool = false,
    widthOfStem: @escaping @Sendable (_ planes: Int) -> Int = { $0 },
    build: @escaping @Sendable (inout Trunk, NetworkSize) -> Void
  ) {
    self.name = name
    self.archiveName = archiveName ?? name
    self.headName = headName
    self.stemName = stemName
    self.initialization = initialization
    self.leastSide = leastSide
    self.mayPoolStem = mayPoolStem
    self.widthOfStem = widthOfStem
    self.build = build
  }
}

extension NetworkKind {
  /// Adds all layers to `trunk`, and returns the head.
  func addLayers(to trunk: inout Trunk, size: NetworkSize, classCount: Int) -> Linear {
    build(&trunk, size)
    let features = trunk.shape
    precondition(features.height == 1 && features.width == 1, "features \(features) of \(name)")
    return Linear(headName, inputs: features.channels, outputs: classCount, plan: &trunk.plan)
  }
}

extension NetworkKind {
  /// The entries of its state_dict, which do not depend on the images.
  public func tensors(of size: NetworkSize, classCount: Int) -> [StateSlot] {
    var trunk = Trunk(images: Shape(batch: 0, height: 32, width: 32, channels: 3))
    _ = addLayers(to: &trunk, size: size, classCount: classCount)
    return trunk.plan.state
  }
}

extension NetworkKind {
  /// The floats in all parameters.
  func parameterCount(of size: NetworkSize, classCount: Int) -> Int {
    tensors(of: size, classCount: classCount).reduce(0) { sum, slot in
      if case .parameter(let parameter) = slot { sum + parameter.count } else { sum }
    }
  }
}

extension NetworkKind: Hashable {
  /// Whether both have one name.
  public static func == (one: NetworkKind, other: NetworkKind) -> Bool { one.name == other.name }

  /// Hashes the name.
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension NetworkKind: CustomStringConvertible {
  /// The name.
  public var description: String { name }
}

/// How wide a network is: its first stage, and where an archive shows it, each layer.
public struct NetworkSize: Codable, Equatable, Sendable {
  /// The planes of the first stage; 64 in the published models.
  public var width: Int
  /// The shapes of an archive's tensors, by name, which say how its layers were thinned; empty for
  /// a new network.
  public var shapes: [String: [Int]]
  /// Whether a 3x3 max-pool of stride 2 follows a stem for small images, as in some programs'
  /// networks; only who trained a model can say.
  public var poolsStem = false

  /// The size of a network of `width`.
  public init(width: Int, shapes: [String: [Int]] = [:]) {
    (self.width, self.shapes) = (width, shapes)
  }

  /// The outputs of the layer with the weight `name`: the archive's, else `standard`.
  func rows(of name: String, default standard: Int) -> Int { shapes[name]?.first ?? standard }
}
