/// The names that an archive gives a network's tensors, where they are not this program's.
///
/// Several programs have the same networks under other names: torchvision's names on a network for
/// small images, or the stages counted from `conv2_x`. Only names are translated; shapes decide
/// afterwards whether it is such a network.
public struct TensorNames: Codable, Equatable, Sendable {
  /// The archive's name by this program's, of tensors where they differ.
  public private(set) var theirs: [String: String] = [:]
  /// The archive's name of the head.
  public private(set) var headName: String

  /// Whether other programs have networks of these names with and without a max-pool after a stem
  /// for small images.
  var leavesPoolOpen: Bool { theirs.values.contains { $0.contains(".downsample.") } }

  /// What `name` is called in the archive.
  public func archived(_ name: String) -> String { theirs[name] ?? name }

  /// `state` with the names that the archive has.
  public func archived(_ state: StateDict) -> StateDict {
    StateDict(
      state.entries.map { .init(name: archived($0.name), shape: $0.shape, values: $0.values) })
  }

  /// `state`, which has the archive's names, with this program's; batches are counted from 0 where
  /// counters of `network` are not there or, as floats that are too small for them, no numbers.
  ///
  /// PyTorch before 0.4.1 and converters leave them out, and no result depends on them.
  public func own(_ state: StateDict, of network: RecognizedNetwork) -> StateDict {
    let ours = Dictionary(theirs.map { ($0.value, $0.key) }) { first, _ in first }
    var entries = state.entries.map {
      StateDict.Entry(name: ours[$0.name] ?? $0.name, shape: $0.shape, values: $0.values)
    }
    let names = Set(entries.map(\.name))
    for index in entries.indices where entries[index].name.hasSuffix(".num_batches_tracked") {
      // Whoever halves all tensors halves these too.
      guard case .float32(let counts) = entries[index].values else { continue }
      entries[index].values = .int64(counts.map { Int64(exactly: $0) ?? 0 })
    }
    let slots = network.kind.tensors(of: network.size, classCount: network.classCount)
    for case .counter(let name, _) in slots where !names.contains(name) {
      entries.append(.init(name: name, shape: [], values: .int64([0])))
    }
    return StateDict(entries)
  }
}

extension NetworkKind {
  /// The network of tensors with these shapes, under this program's names or others', and those
  /// names.
  ///
  /// A head that is the only linear layer may have any name; of several `head` says which it is.
  /// Throws `UnknownNetwork`.
  public static func recognize(
    _ shapes: [String: [Int]], head: String?
  ) throws -> (network: RecognizedNetwork, names: TensorNames) {
    var nearest: UnknownNetwork?
    for reading in ForeignNames.readings(of: shapes, head: head) {
      do {
        let network = try recognize(
          Dictionary(uniqueKeysWithValues: shapes.map { (reading[$0.key] ?? $0.key, $0.value) }))
        let changed = reading.filter { $0.key != $0.value }
        let theirs = Dictionary(uniqueKeysWithValues: changed.map { ($0.value, $0.key) })
        let weight = "\(network.kind.headName).weight"
        return (
          network,
          TensorNames(
            theirs: theirs, headName: String((theirs[weight] ?? weight).dropLast(".weight".count)))
        )
      } catch let problem as UnknownNetwork where problem.matches >= nearest?.matches ?? 0 {
        nearest = problem
      } catch is UnknownNetwork {}
    }
    throw nearest ?? UnknownNetwork(description: "expected tensors, found none")
  }
}

/// Guesses at what the tensors of an archive are called here.
private enum ForeignNames {
  /// This program's name by the archive's, for each guess, the likeliest first; no two tensors have
  /// one name.
  static func readings(of shapes: [String: [Int]], head: String?) -> [[String: String]] {
    let translate = translation(of: shapes)
    let body = Dictionary(uniqueKeysWithValues: shapes.keys.map { ($0, translate($0)) })
    var readings = [body]
    if let module = headModule(of: shapes, given: head) {
      var names: [String] = []
      for kind in Networks.all where !names.contains(kind.headName) && kind.headName != module {
        names.append(kind.headName)
        readings.append(
          body.mapValues {
            $0.hasPrefix("\(module).") ? kind.headName + $0.dropFirst(module.count) : $0
          })
      }
    }
    return readings.filter { Set($0.values).count == $0.count }
  }

  /// The only module with a matrix, or the one that was given.
  private static func headModule(of shapes: [String: [Int]], given: String?) -> String? {
    let matrices = shapes.filter { $0.key.hasSuffix(".weight") && $0.value.count == 2 }.keys
    if matrices.count == 1 { return matrices.first.map { String($0.dropLast(".weight".count)) } }
    return given.flatMap { matrices.contains("\($0).weight") ? $0 : nil }
  }

  private static func translation(of shapes: [String: [Int]]) -> (String) -> String {
    if shapes.keys.contains(where: { $0.contains(".residual_function.") }) {
      return { sequential($0) }
    }
    if shapes.keys.contains(where: { $0.hasPrefix("features.module.") }) {
      // DataParallel around the features alone, as PyTorch's ImageNet example has it.
      return { $0.hasPrefix("features.module.") ? "features." + $0.dropFirst(16) : $0 }
    }
    let stem = shapes["conv1.weight"]?.suffix(2)
    let hasShortcuts = shapes.keys.contains { $0.contains(".shortcut.") }
    // torchvision's own networks have a stem of 7x7.
    guard stem == [3, 3], !hasShortcuts else { return { $0 } }
    return { name in
      let parts = name.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count > 3, parts[2] == "downsample" else { return name }
      return (parts[..<2] + ["shortcut"] + parts[3...]).joined(separator: ".")
    }
  }

  /// Names of networks whose stem and blocks are sequences of numbered layers, as
  /// `conv3_x.0.residual_function.4.weight` for `layer2.0.bn2.weight`.
  private static func sequential(_ name: String) -> String {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if parts.count == 3, parts[0] == "conv1", let layer = ["0": "conv1", "1": "bn1"][parts[1]] {
      return "\(layer).\(parts[2])"
    }
    guard parts.count >= 4, parts[0].hasPrefix("conv"), parts[0].hasSuffix("_x"),
      let stage = Int(parts[0].dropFirst(4).dropLast(2)), (2...5).contains(stage)
    else { return name }
    let block = "layer\(stage - 1).\(parts[1])"
    guard parts[2] == "residual_function", parts.count == 5, let index = Int(parts[3]),
      (0...7).contains(index), index % 3 < 2
    else { return "\(block).\(parts[2...].joined(separator: "."))" }
    return "\(block).\(index % 3 == 0 ? "conv" : "bn")\(index / 3 + 1).\(parts[4])"
  }
}
