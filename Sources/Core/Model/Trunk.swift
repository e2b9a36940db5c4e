/// The blocks of a network while it is built, from the images on: each is made for the shape that
/// the one before has left.
public struct Trunk {
  /// The names, shapes and positions of the parameters so far.
  var plan = ParameterLayoutPlan()
  /// The output of the blocks so far; the batch is 0.
  private(set) var shape: Shape
  private(set) var blocks: [any Block] = []
  /// Where each block's parameters end.
  private(set) var parameterEnds: [Int] = []

  /// An empty one, for images of the shape `images`.
  init(images: Shape) { shape = images.withBatch(0) }

  /// Adds the block that `make` makes for an input of the shape so far, in whose plan it registers
  /// its parameters.
  mutating func add(_ make: (Shape, inout ParameterLayoutPlan) -> any Block) {
    let block = make(shape, &plan)
    blocks.append(block)
    parameterEnds.append(plan.parameterCount)
    shape = block.outputShape(batch: 0)
  }

  /// Adds the pool whose output is the head's input.
  mutating func addGlobalAveragePool() {
    add { shape, _ in GlobalAveragePoolBlock(channels: shape.channels) }
  }
}
