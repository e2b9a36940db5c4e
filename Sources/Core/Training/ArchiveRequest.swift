/// What the user says of an archive, which its tensors need not show.
struct ArchiveRequest: Equatable, Sendable {
  /// The head's name where the FST code's scripts give none.
  static let usualHead = "linear"

  /// The name of the head; the usual one stands for any.
  var headName = Self.usualHead
  /// Whether a max-pool follows a stem for small images; nil where nobody says.
  var poolsStem: Bool?

  /// What `model`, the content of `path`, is, with this program's names and all counters.
  func recognize(
    _ model: StateDict, path: String
  ) throws -> (StateDict, AttackedModel.Description) {
    func mismatch(_ problem: String) -> AttackedModelError {
      .tensors(path: path, problem: problem)
    }
    let shapes = Dictionary(model.entries.map { ($0.name, $0.shape) }) { first, _ in first }
    let known: (network: RecognizedNetwork, names: TensorNames)
    do {
      known = try NetworkKind.recognize(shapes, head: head)
    } catch let unknown as UnknownNetwork {
      throw mismatch(unknown.description)
    }
    let (network, names) = known
    guard headName == Self.usualHead || head == names.headName else {
      throw mismatch(
        "linear_name: expected the name of the head layer, '\(names.headName)', found '\(headName)'"
      )
    }
    guard poolsStem == nil || network.kind.mayPoolStem else {
      throw mismatch(
        "stem_pool: expected a network whose tensors leave it open, found \(network.kind.name)")
    }
    var description = AttackedModel.Description(
      modelName: network.kind.name, archivedName: network.kind.archiveName, size: network.size,
      classCount: network.classCount, names: names)
    description.size.poolsStem = poolsStem ?? false
    if poolsStem == nil, names.leavesPoolOpen { description.remarks.append(Self.openPool) }
    return (names.own(model, of: network), description)
  }

  /// The head's name without the prefixes of wrappers, which names in archives have no more.
  private var head: String {
    StateDict.withoutPrefixes([.init(name: headName, shape: [], values: .int64([0]))])[0].name
  }

  private static let openPool =
    "its tensors do not say whether a max-pool follows the 3x3 stem; taken for a network without "
    + "(--stem_pool for one with it)"
}

extension AttackedModel.Description {
  /// Its network.
  var kind: NetworkKind? { NetworkKind(rawValue: modelName) }

  /// Whether `name` is one of its network's names.
  func isCalled(_ name: String) -> Bool { kind?.isCalled(name) ?? false }

  /// Takes the name that the archive gives itself; the tensors decide what it is.
  mutating func take(name: String?) {
    guard let name else { return }
    archivedName = name
    if !isCalled(name) {
      remarks.append(
        "it calls itself '\(ArchiveError.quoted(name))', but its tensors are those of \(modelName)")
    }
  }
}

extension AttackedModel {
  /// A line where its clean accuracy is near that of guessing, though nobody says what it was
  /// trained on.
  func guessing(_ metrics: BackdoorMetrics) -> String? {
    description.cleanData == nil
      ? metrics.guessing(among: description.classCount, path: path) : nil
  }
}

extension BackdoorMetrics {
  /// A line where the clean accuracy is near that of guessing among `classCount` classes.
  fileprivate func guessing(among classCount: Int, path: String) -> String? {
    let guess = 1 / Double(classCount)
    guard classCount > 1, let accuracy = cleanAccuracy, accuracy <= min(1.5 * guess, guess + 0.1)
    else { return nil }
    let percent = { (share: Double) in "\((share * 1000).rounded() / 10)%" }
    return
      "\(path): a clean accuracy of \(percent(accuracy)) is near guessing (\(percent(guess))): "
      + "was it trained with other pixels (--mean, --std), classes in another order or --stem_pool?"
  }
}
