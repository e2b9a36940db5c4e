/// Bounds on what a pickle may build, far above what archives of models and datasets need.
enum PickleLimits {
  /// Opcodes of one pickle.
  static let operations = 1 << 24
  /// Values that wait on the stack, and marks there.
  static let stack = 1 << 20
  /// Values in the finished tree, shared ones counted in each place, beyond four an opcode.
  static let sharedTreeSize = 1 << 20
  /// Values in a key of a dictionary.
  static let keySize = 64
  /// Bytes of a Python 2 text that names something.
  static let nameSize = 4096
  /// Levels of containers within containers.
  static let depth = 100
  /// Bytes of an integer.
  static let integerSize = 64
}

/// A storage that a pickle declares; its elements are elsewhere in the container.
struct StorageDeclaration: Equatable {
  var key: String
  var type: TorchType
  var count: Int
}

/// A value under construction; children are indices of other nodes.
///
/// Nodes refer to each other as Python objects do, so memo entries stay shared and may even be
/// cyclic, while the array of nodes is freed without recursion.
enum PickleNode {
  case none
  case bool(Bool)
  case int(Int64)
  case bigInteger([UInt8])
  case float(Double)
  case string(String)
  /// A Python 2 `str`, which is text or bytes as its reader likes.
  case rawString([UInt8])
  case bytes([UInt8])
  case list([Int])
  case tuple([Int])
  case set([Int])
  /// Keys and values by turns.
  case dictionary([Int])
  indirect case orderedDictionary([Int], metadata: Int?)
  case global(PickleGlobal)
  indirect case storage(View)
  indirect case tensor(Tensor)
  case unfinishedArray
  indirect case array(NumpyArray)
  indirect case scalar(NumpyArray)
  indirect case numpyType(NumpyType, isBigEndian: Bool)
  indirect case torchSize([Int])
  case torchDevice(String)

  /// A declared storage, or a part of one as old files have it.
  struct View {
    var declaration: Int
    var offset: Int
    var count: Int
  }

  /// A tensor whose geometry has been checked.
  struct Tensor {
    var view: View
    var offset: Int
    var shape: [Int]
    var stride: [Int]
    var requiresGradient: Bool
    var isParameter = false
  }

  /// What messages call it.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a bool"
    case .int, .bigInteger: "an int"
    case .float: "a float"
    case .string, .rawString: "a text"
    case .bytes: "bytes"
    case .list: "a list"
    case .tuple: "a tuple"
    case .set: "a set"
    case .dictionary, .orderedDictionary: "a dict"
    case .global: "a constructor"
    case .storage: "a storage"
    case .tensor: "a tensor"
    case .unfinishedArray, .array: "an array"
    case .scalar: "a numpy scalar"
    case .numpyType: "a numpy type"
    case .torchSize: "a torch.Size"
    case .torchDevice: "a torch.device"
    }
  }
}

extension PickleNode {
  /// Adds items in place to a list, a set, or (as keys and values by turns) a dictionary.
  ///
  /// False where the node is none of the wanted kind. The old items are taken out first, so that
  /// growing one by one does not copy them each time.
  mutating func add(_ items: [Int], isPairs: Bool, isSet: Bool) -> Bool {
    switch self {
    case .list(var old) where !isPairs && !isSet:
      self = .none
      old.append(contentsOf: items)
      self = .list(old)
    case .set(var old) where isSet:
      self = .none
      old.append(contentsOf: items)
      self = .set(old)
    case .dictionary(var old) where isPairs:
      self = .none
      old.append(contentsOf: items)
      self = .dictionary(old)
    case .orderedDictionary(var old, let metadata) where isPairs:
      self = .none
      old.append(contentsOf: items)
      self = .orderedDictionary(old, metadata: metadata)
    default: return false
    }
    return true
  }
}

/// What running a pickle gives: nodes, their root, and the storages they need.
struct PickleProgram {
  var nodes: [PickleNode]
  var root: Int
  var storages: [StorageDeclaration]
  /// Of the first nodes, whether they were fetched from the memo; every other one has a single
  /// place.
  var shared: [Bool]
  /// The opcodes that were run.
  var operations: Int
  /// What building the value may still cost.
  var budget: PickleBudget
  /// The offset behind the pickle.
  var end: Int
  let file: String
  let place: String

  /// Refuses bytes behind the pickle, which Python would ignore.
  func requireEnd(of bytes: ByteView) throws {
    guard end == bytes.count else {
      throw ArchiveError.damaged(
        file: file, place: "\(place), byte \(end)", problem: "\(bytes.count - end) bytes too many")
    }
  }

  /// The finished value, once `storages` hold what was declared, in the same order.
  func value(storages: [TorchStorage] = []) throws -> PickleValue {
    var builder = PickleTreeBuilder(program: self, storages: storages)
    return try builder.build(root, depth: 0).value
  }
}
