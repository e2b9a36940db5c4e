/// What a pickle may still cost: the memory of what it builds, and the work on what it names.
///
/// Both are estimates from above and in proportion to the stream, so that neither a short stream
/// that expands, nor one that names the same long value over and over, costs more than its size.
struct PickleBudget {
  /// Bytes of memory that are left.
  private(set) var memory: Int
  /// Bytes that may still be copied, compared or hashed without being in the stream again.
  private(set) var work: Int

  /// A budget for a stream of `size` bytes.
  init(streamSize size: Int) {
    memory = (176 << 20) + size
    work = (16 << 20) + 4 * size
  }

  /// Whether no more was taken than there was.
  var isKept: Bool { memory >= 0 && work >= 0 }

  /// Takes `bytes` of memory.
  mutating func takeMemory(_ bytes: Int) { memory -= bytes }

  /// Takes `bytes` of work.
  mutating func takeWork(_ bytes: Int) { work -= bytes }
}

/// Costs in bytes of memory: of the node, its place on the stack, and its value in the tree.
enum PickleCost {
  /// Any node.
  static let node = 96
  /// Something of a node's own on the heap.
  static let heap = 64
  /// An item of a list, tuple or set.
  static let item = 48
  /// A key or a value of a dictionary.
  static let dictionaryItem = 72
  /// A memo entry next to the one before it, and any other.
  static let denseMemo = 16, sparseMemo = 96
  /// A container that stands in several places.
  static let shared = 160
  /// A declared storage.
  static let storage = 512
  /// A dictionary key within a tuple.
  static let keyPart = 80
}

extension PickleNode {
  /// What building it costs.
  var cost: Int {
    switch self {
    case .none, .bool, .int, .float, .global: PickleCost.node
    case .string(let text):
      PickleCost.node + (text.utf8.count > 15 ? PickleCost.heap : 0)
    case .list(let items), .tuple(let items), .set(let items):
      PickleCost.node + (items.isEmpty ? 0 : 2 * PickleCost.heap + PickleCost.item * items.count)
    case .dictionary(let items), .orderedDictionary(let items, _):
      PickleCost.node + 3 * PickleCost.heap + PickleCost.dictionaryItem * items.count
    case .tensor(let tensor):
      PickleCost.node + 5 * PickleCost.heap + 2 * PickleCost.item * tensor.shape.count
    case .torchSize(let sizes):
      PickleCost.node + PickleCost.heap + PickleCost.item * sizes.count
    case .bigInteger, .rawString, .bytes, .storage, .unfinishedArray, .array, .scalar, .numpyType,
      .torchDevice:
      PickleCost.node + 3 * PickleCost.heap
    }
  }
}

/// What a pickle keeps to name again: an array for the usual numbers 0, 1 and so on, a dictionary
/// for any others.
struct PickleMemo {
  private var dense: [Int] = []
  private var sparse: [Int: Int] = [:]

  /// The number of entries.
  var count: Int { dense.count + sparse.count }

  /// The node under `index`, or nil.
  subscript(index: Int) -> Int? {
    dense.indices.contains(index) ? dense[index] : sparse[index]
  }

  /// Keeps `node` under `index`; what that costs.
  mutating func set(_ index: Int, _ node: Int) -> Int {
    if dense.indices.contains(index) {
      dense[index] = node
      return 0
    }
    if index == dense.count, sparse.isEmpty {
      dense.append(node)
      return PickleCost.denseMemo
    }
    return sparse.updateValue(node, forKey: index) == nil ? PickleCost.sparseMemo : 0
  }
}
