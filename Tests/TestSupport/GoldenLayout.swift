import Core
import Distributed

/// The order of dimensions in memory: PyTorch's against the engine's.
public enum Layout {
  /// Row-major `values` of `shape`, with dimension `order[d]` moved to place d.
  public static func permuted(_ values: [Float], shape: [Int], order: [Int]) -> [Float] {
    var strides = [Int](repeating: 1, count: shape.count)
    for d in shape.indices.dropLast().reversed() { strides[d] = strides[d + 1] * shape[d + 1] }
    let (sizes, steps) = (order.map { shape[$0] }, order.map { strides[$0] })
    return values.indices.map { index in
      var (rest, position) = (index, 0)
      for d in sizes.indices.reversed() {
        position += rest % sizes[d] * steps[d]
        rest /= sizes[d]
      }
      return values[position]
    }
  }

  /// Images [N, C, H, W] → [N, H, W, C]; `shape` is NCHW.
  public static func nhwc(_ nchw: [Float], shape: [Int]) -> [Float] {
    permuted(nchw, shape: shape, order: [0, 2, 3, 1])
  }

  /// Images [N, H, W, C] → [N, C, H, W]; `shape` is NCHW.
  public static func nchw(_ nhwc: [Float], shape: [Int]) -> [Float] {
    permuted(nhwc, shape: [shape[0], shape[2], shape[3], shape[1]], order: [0, 3, 1, 2])
  }

  /// Weights [O, I, H, W] → [H, W, I, O]; `shape` is OIHW.
  public static func hwio(_ oihw: [Float], shape: [Int]) -> [Float] {
    permuted(oihw, shape: shape, order: [2, 3, 1, 0])
  }

  /// Weights [H, W, I, O] → [O, I, H, W]; `shape` is OIHW.
  public static func oihw(_ hwio: [Float], shape: [Int]) -> [Float] {
    permuted(hwio, shape: [shape[2], shape[3], shape[1], shape[0]], order: [3, 2, 0, 1])
  }
}

extension Tensor {
  /// A tensor holding images given as [N, C, H, W].
  public init(nchw values: [Float], _ shape: Shape) {
    let sizes = [shape.batch, shape.channels, shape.height, shape.width]
    self.init(shape, in: FloatBuffer(Layout.nhwc(values, shape: sizes)))
  }

  /// The floats as [N, C, H, W].
  public var nchw: [Float] {
    Layout.nchw(array, shape: [shape.batch, shape.channels, shape.height, shape.width])
  }
}

extension ParameterStore {
  /// Sets the parameter `slot`, given in PyTorch's layout.
  public func set(_ slot: ParameterSlot, to values: [Float]) {
    precondition(values.count == slot.count, "\(slot.name): \(values.count) values")
    let stored =
      slot.layout == .convolutionHWIO ? Layout.hwio(values, shape: slot.shape) : values
    value(slot).update(from: stored, count: slot.count)
  }

  /// Parameter values by name, in PyTorch's layout.
  public func parameterValues() -> [String: [Float]] { inPyTorchLayout(values) }

  /// Gradients by parameter name, in PyTorch's layout.
  public func parameterGradients() -> [String: [Float]] { inPyTorchLayout(gradients) }

  /// Running statistics and batch counters by name.
  public func bufferValues() -> [String: [Float]] {
    var result: [String: [Float]] = [:]
    for case .buffer(let slot) in plan.state {
      result[slot.name] = Array(buffers.floats[slot.offset..<slot.offset + slot.count])
    }
    for case .counter(let name, let index) in plan.state {
      result[name] = [Float(batchesTracked[index])]
    }
    return result
  }

  private func inPyTorchLayout(_ vector: FloatBuffer) -> [String: [Float]] {
    var result: [String: [Float]] = [:]
    for slot in plan.parameters {
      let values = Array(vector.floats[slot.range])
      result[slot.name] =
        slot.layout == .convolutionHWIO ? Layout.oihw(values, shape: slot.shape) : values
    }
    return result
  }
}

extension FloatBuffer {
  /// Replaces all floats by `values`, which must be as many.
  public func fill(from values: [Float]) {
    precondition(values.count == count, "\(values.count) values for \(count) floats")
    pointer.update(from: values, count: count)
  }
}
