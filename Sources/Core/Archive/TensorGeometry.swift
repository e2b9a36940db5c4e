/// Checks and walks the strided views of tensors.
enum TensorGeometry {
  /// PyTorch's and numpy's bound on dimensions.
  static let maximumRank = 64
  /// A view may repeat the elements of its storage (stride 0) up to this many.
  static let maximumRepeated = 1 << 24

  /// The strides of a row-major tensor of `shape`; like PyTorch, a size of 0 counts as 1.
  static func contiguousStride(_ shape: [Int]) -> [Int] {
    var stride = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      stride[axis] = stride[axis + 1] * max(1, shape[axis + 1])
    }
    return stride
  }

  /// What is wrong with a view of a storage of `count` elements, or nil where it is sound.
  static func problem(offset: Int, shape: [Int], stride: [Int], count: Int) -> String? {
    guard shape.count == stride.count else {
      return "\(shape.count) sizes but \(stride.count) strides"
    }
    guard shape.count <= maximumRank else { return "\(shape.count) dimensions" }
    guard offset >= 0, !shape.contains(where: { $0 < 0 }), !stride.contains(where: { $0 < 0 })
    else { return "a negative size, stride or offset" }
    guard let elements = product(shape) else { return "its sizes overflow 64 bits" }
    if elements == 0 { return offset <= count ? nil : "it starts behind its storage" }
    guard elements <= max(count, maximumRepeated) else {
      return "\(elements) elements of a storage of \(count)"
    }
    var last = offset
    for (size, step) in zip(shape, stride) {
      let (reach, tooFar) = (size - 1).multipliedReportingOverflow(by: step)
      let (next, overflow) = last.addingReportingOverflow(reach)
      guard !tooFar, !overflow else { return "its strides overflow 64 bits" }
      last = next
    }
    return last < count ? nil : "element \(last) of a storage of \(count)"
  }

  /// The product of `shape`, or nil where it overflows.
  ///
  /// A size of 0 hides no overflow of the others, so that any order of multiplying is safe.
  static func product(_ shape: [Int]) -> Int? {
    var product = 1
    for size in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: max(1, size))
      if overflow { return nil }
      product = next
    }
    return shape.contains(0) ? 0 : product
  }

  /// Copies the elements of a view to `output`, row-major.
  ///
  /// `input` and `output` are memories of elements of `size` bytes; the view is sound, and `output`
  /// may hold only its first elements.
  static func gather(
    _ input: UnsafeRawBufferPointer, offset: Int, shape: [Int], stride: [Int], size: Int,
    into output: UnsafeMutableRawBufferPointer
  ) {
    // Dimensions of one element would be gone through for every element.
    let axes = shape.indices.filter { shape[$0] != 1 }
    let (shape, stride) = (axes.map { shape[$0] }, axes.map { stride[$0] })
    var index = [Int](repeating: 0, count: shape.count)
    var source = offset
    for target in 0..<output.count / size {
      let element = UnsafeRawBufferPointer(
        rebasing: input[source * size..<source * size + size])
      UnsafeMutableRawBufferPointer(rebasing: output[target * size..<target * size + size])
        .copyMemory(from: element)
      var axis = shape.count - 1
      while axis >= 0 {
        index[axis] += 1
        source += stride[axis]
        if index[axis] < shape[axis] { break }
        source -= stride[axis] * shape[axis]
        index[axis] = 0
        axis -= 1
      }
    }
  }

  /// Reverses the bytes of each group of `size` in place.
  static func swapBytes(_ bytes: UnsafeMutableRawBufferPointer, size: Int) {
    guard size > 1 else { return }
    for start in stride(from: 0, to: bytes.count - size + 1, by: size) {
      for index in 0..<size / 2 { bytes.swapAt(start + index, start + size - 1 - index) }
    }
  }
}
