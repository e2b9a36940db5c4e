import Distributed

/// How a parameter lies in memory, against PyTorch's shape of it.
public enum ParameterLayout: Equatable, Sendable {
  /// As PyTorch has it.
  case asShaped
  /// PyTorch's OIHW kept as HWIO: [kernel row, kernel column, input channel, output channel].
  case convolutionHWIO
}

/// What a parameter is to its layer; what is done to parameters by kind asks for this.
public enum ParameterRole: Equatable, Sendable {
  /// A convolution's weight.
  case kernel
  /// A linear layer's weight.
  case matrix
  /// What a convolution or linear layer adds, which each output sums `fanIn` products to.
  case bias(fanIn: Int)
  /// A normalisation's factor.
  case normScale
  /// What a normalisation adds.
  case normShift
}

/// One named parameter: a range of the flat parameter, gradient and momentum vectors.
public struct ParameterSlot: Equatable, Sendable {
  /// PyTorch's name, such as `layer1.0.conv1.weight`.
  public let name: String
  /// PyTorch's shape.
  public let shape: [Int]
  /// What it is to its layer.
  public let role: ParameterRole
  /// How it lies in memory.
  public let layout: ParameterLayout
  /// The first float's position in the flat vectors.
  public let offset: Int
  /// The number of floats.
  public let count: Int

  /// The products that each output sums: the shape without its first number.
  public var fanIn: Int { shape.dropFirst().reduce(1, *) }

  /// The positions in the flat vectors.
  public var range: Range<Int> { offset..<offset + count }
}

/// One named vector of BatchNorm running statistics: a range of the flat buffer vector.
public struct BufferSlot: Equatable, Sendable {
  /// PyTorch's name, such as `bn1.running_mean`.
  public let name: String
  /// The first float's position in the flat vector.
  public let offset: Int
  /// The number of channels.
  public let count: Int
}

/// Where a BatchNorm's running statistics lie.
public struct BatchNormBuffers: Equatable, Sendable {
  /// The running mean: [C].
  public let mean: BufferSlot
  /// The running variance: [C].
  public let variance: BufferSlot
  /// Position of `num_batches_tracked` among all counters.
  public let counter: Int
}

/// One entry of the state_dict, in module order.
public enum StateSlot: Equatable, Sendable {
  case parameter(ParameterSlot)
  case buffer(BufferSlot)
  case counter(name: String, index: Int)

  /// PyTorch's name.
  public var name: String {
    switch self {
    case .parameter(let slot): slot.name
    case .buffer(let slot): slot.name
    case .counter(let name, _): name
    }
  }

  /// PyTorch's shape; a counter is a scalar.
  public var shape: [Int] {
    switch self {
    case .parameter(let slot): slot.shape
    case .buffer(let slot): [slot.count]
    case .counter: []
    }
  }

  /// Whether it counts batches.
  var isCounter: Bool { if case .counter = self { true } else { false } }
}

/// The names, shapes and positions of a model's state: what layers register while a model is built.
public struct ParameterLayoutPlan: Sendable {
  /// All entries in PyTorch's state_dict order.
  public private(set) var state: [StateSlot] = []
  /// The floats in all parameters.
  public private(set) var parameterCount = 0
  /// The floats in all running statistics.
  public private(set) var bufferCount = 0
  /// The number of BatchNorm layers.
  public private(set) var counterCount = 0

  /// An empty plan.
  public init() {}

  /// Registers the parameter `name` of PyTorch's `shape`.
  public mutating func parameter(
    _ name: String, shape: [Int], role: ParameterRole, layout: ParameterLayout = .asShaped
  ) -> ParameterSlot {
    let slot = ParameterSlot(
      name: name, shape: shape, role: role, layout: layout, offset: parameterCount,
      count: shape.reduce(1, *))
    parameterCount += slot.count
    state.append(.parameter(slot))
    return slot
  }

  /// Registers the running mean, running variance and batch counter of the BatchNorm `module`.
  public mutating func batchNormBuffers(_ module: String, channels: Int) -> BatchNormBuffers {
    let mean = buffer("\(module).running_mean", count: channels)
    let variance = buffer("\(module).running_var", count: channels)
    state.append(.counter(name: "\(module).num_batches_tracked", index: counterCount))
    counterCount += 1
    return BatchNormBuffers(mean: mean, variance: variance, counter: counterCount - 1)
  }

  private mutating func buffer(_ name: String, count: Int) -> BufferSlot {
    let slot = BufferSlot(name: name, offset: bufferCount, count: count)
    bufferCount += count
    state.append(.buffer(slot))
    return slot
  }

  /// The parameters in state_dict order.
  public var parameters: [ParameterSlot] {
    state.compactMap { if case .parameter(let slot) = $0 { slot } else { nil } }
  }
}

/// All of a model's state: parameters and gradients as two flat vectors, running statistics as a
/// third.
///
/// It owns the memory. SGD, all-reduce, broadcast, checkpoint and checksum are each one loop over
/// it.
public final class ParameterStore {
  /// Names, shapes and positions.
  public let plan: ParameterLayoutPlan
  /// Every parameter: [plan.parameterCount].
  public let values: FloatBuffer
  /// The loss's gradient by every parameter: [plan.parameterCount].
  public let gradients: FloatBuffer
  /// Running means and variances: [plan.bufferCount].
  public let buffers: FloatBuffer
  /// `num_batches_tracked` of each BatchNorm.
  public var batchesTracked: [Int64]

  /// Gradients summed in double over the whole world; nil while each rank sums in float.
  ///
  /// See Note [Sums that do not depend on the world]. It owns nothing else than `gradients`' finer
  /// twin.
  public private(set) var wideGradients: [Double]?

  /// Allocates the state of `plan`, all zero but for running variances, which are one.
  public init(_ plan: ParameterLayoutPlan) {
    self.plan = plan
    values = FloatBuffer(count: plan.parameterCount)
    gradients = FloatBuffer(count: plan.parameterCount)
    buffers = FloatBuffer(count: plan.bufferCount)
    batchesTracked = Array(repeating: 0, count: plan.counterCount)
    for case .buffer(let slot) in plan.state where slot.name.hasSuffix("running_var") {
      (buffers.pointer + slot.offset).update(repeating: 1, count: slot.count)
    }
  }

  /// The values of `slot`.
  public func value(_ slot: ParameterSlot) -> UnsafeMutablePointer<Float> {
    values.pointer + slot.offset
  }

  /// The gradient of `slot`.
  public func gradient(_ slot: ParameterSlot) -> UnsafeMutablePointer<Float> {
    gradients.pointer + slot.offset
  }

  /// Sets all gradients but those of `kept` to zero; with `wide`, the coming backward sums them in
  /// double.
  public func clearGradients(wide: Bool, except kept: Range<Int> = 0..<0) {
    gradients.pointer.update(repeating: 0, count: kept.lowerBound)
    (gradients.pointer + kept.upperBound).update(
      repeating: 0, count: gradients.count - kept.upperBound)
    wideGradients = wide ? Array(repeating: 0, count: gradients.count) : nil
  }

  /// Adds `sums` to the gradients from position `offset` on.
  func addGradient(_ sums: ArraySlice<Double>, at offset: Int) {
    for (position, sum) in sums.enumerated() {
      if wideGradients != nil {
        wideGradients?[offset + position] += sum
      } else {
        gradients.pointer[offset + position] += Float(sum)
      }
    }
  }

  /// Runs `body` on the double gradients, if there are any; they are rounded into `gradients`
  /// after.
  public func reduceWideGradients(_ body: (inout [Double]) throws -> Void) throws {
    guard var wide = wideGradients else { return }
    wideGradients = nil
    try body(&wide)
    for index in wide.indices { gradients.pointer[index] = Float(wide[index]) }
  }

  /// Adds each of `partials`, one after the other, to the double gradients of `slot`.
  func addWideGradient(
    _ partials: [UnsafeMutablePointer<Float>], of slot: ParameterSlot, pool: ThreadPool
  ) {
    wideGradients?.withUnsafeMutableBufferPointer { wide in
      guard let start = wide.baseAddress else { return }
      let sums = start + slot.offset
      pool.forEachShare(of: slot.count) { range, _ in
        for partial in partials {
          for index in range { sums[index] += Double(partial[index]) }
        }
      }
    }
  }

  /// The running statistics of `slot`.
  public func buffer(_ slot: BufferSlot) -> UnsafeMutablePointer<Float> {
    buffers.pointer + slot.offset
  }
}
