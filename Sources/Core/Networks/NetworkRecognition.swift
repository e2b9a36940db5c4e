/// The network that an archive's tensors make.
public struct RecognizedNetwork: Equatable, Sendable {
  /// Which it is.
  public let kind: NetworkKind
  /// How wide.
  public let size: NetworkSize
  /// The outputs of its head.
  public let classCount: Int
}

/// Why tensors make none of this program's networks.
public struct UnknownNetwork: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was found, and what was looked for.
  public let description: String
  /// The tensors that are those of the nearest network.
  var matches = 0
}

extension NetworkKind {
  /// More planes or classes than any network in use has; what an archive claims beyond is no reason
  /// to lay out a network.
  private static let (largestWidth, largestClassCount) = (4096, 100_000)

  /// The network whose tensors have just these names and shapes; `num_batches_tracked` may be
  /// missing.
  ///
  /// The tensors alone tell: names in archives are those of two different networks. Throws
  /// `UnknownNetwork`.
  public static func recognize(_ shapes: [String: [Int]]) throws -> RecognizedNetwork {
    var nearest: (kind: NetworkKind, problem: String, matches: Int)?
    for found in Networks.all.flatMap({ $0.candidates(shapes) }) {
      let difference = found.kind.difference(from: shapes, found)
      guard let problem = difference.problem else { return found }
      if difference.matches > nearest?.matches ?? 0 {
        nearest = (found.kind, problem, difference.matches)
      }
    }
    guard let nearest else { throw UnknownNetwork(description: unknown(shapes)) }
    throw UnknownNetwork(
      description: "its tensors are nearest to \(nearest.kind.name)'s, but \(nearest.problem)",
      matches: nearest.matches)
  }

  private static func unknown(_ shapes: [String: [Int]]) -> String {
    let names = Networks.all.map {
      "\($0.name) (\($0.stemName), \($0.headName).weight)"
    }
    let first = shapes.keys.sorted().prefix(3).map { ArchiveError.quoted($0) }
    return "expected the tensors of one of \(names.joined(separator: ", ")); found "
      + (first.isEmpty ? "none" : "\(shapes.count) tensors: \(first.joined(separator: ", ")), …")
  }

  /// The sizes that the tensors may show, in the published proportions and, where kernels show
  /// others, in those; none where stem or head is not there.
  private func candidates(_ shapes: [String: [Int]]) -> [RecognizedNetwork] {
    guard let stem = shapes[stemName], stem.count == 4, 1...Self.largestWidth ~= stem[0],
      let head = shapes["\(headName).weight"], head.count == 2,
      1...Self.largestClassCount ~= head[0]
    else { return [] }
    let matrices = shapes.filter {
      $0.key.hasSuffix(".weight") && $0.value.count == 2 && 1...1 << 20 ~= $0.value[0]
    }
    let kernels = shapes.filter {
      $0.key.hasSuffix(".weight") && $0.value.count == 4 && 1...1 << 15 ~= $0.value[0]
    }
    return [matrices, matrices.merging(kernels) { one, _ in one }].map {
      RecognizedNetwork(
        kind: self, size: NetworkSize(width: widthOfStem(stem[0]), shapes: $0), classCount: head[0])
    }
  }

  /// The first difference between this network's tensors and those of `shapes`, and how many agree.
  private func difference(
    from shapes: [String: [Int]], _ found: RecognizedNetwork
  ) -> (problem: String?, matches: Int) {
    var (problem, matches) = (String?.none, 0)
    var names: Set<String> = []
    for slot in tensors(of: found.size, classCount: found.classCount) {
      names.insert(slot.name)
      if shapes[slot.name] == slot.shape {
        matches += 1
      } else if shapes[slot.name] != nil || !slot.isCounter {
        let there = shapes[slot.name].map { "\($0)" } ?? "no such tensor"
        problem = problem ?? "\(slot.name): expected \(slot.shape), found \(there)"
      }
    }
    if problem == nil, let extra = shapes.keys.filter({ !names.contains($0) }).min() {
      problem =
        "\(ArchiveError.quoted(extra)): expected no such tensor, found \(shapes[extra] ?? [])"
    }
    return (problem, matches)
  }
}
