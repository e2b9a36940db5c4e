/// A value of a YAML file: a scalar, a list or a mapping, with the line it begins in.
///
/// An alias is the node that its anchor names, and says so.
struct YAMLNode {
  /// What a node is.
  enum Content {
    /// A word and how it is typed: by how it looks where it is plain, else as text.
    case scalar(String, isPlain: Bool)
    case list([YAMLNode])
    case mapping([(key: YAMLNode, value: YAMLNode)])
  }

  /// What it is.
  var content: Content
  /// The line, from 1.
  var line: Int
  /// The number of its anchor; nil without one.
  var anchor: Int?
  /// Whether it stands here by an alias.
  var isAlias = false
  /// The scalars, lists and mappings in it with every alias written out, itself included.
  var size = 1
  /// The nodes on the way down to its deepest one, aliases written out, itself included.
  var height = 1

  /// The word of a scalar.
  var word: String? { if case .scalar(let word, _) = content { word } else { nil } }

  /// Whether it is the empty value, or one of the words that YAML has for it.
  var isNull: Bool {
    if case .scalar(let word, true) = content { ConfigValue(plain: word) == .null } else { false }
  }

  /// The nodes in it, one level down.
  var children: [YAMLNode] {
    switch content {
    case .scalar: []
    case .list(let items): items
    case .mapping(let pairs): pairs.flatMap { [$0.key, $0.value] }
    }
  }

  /// Whether it, or a node written in it, has one of `anchors`.
  func holds(_ anchors: Set<Int>) -> Bool {
    if isAlias { return false }
    return anchor.map(anchors.contains) ?? false || children.contains { $0.holds(anchors) }
  }
}

/// One key of a mapping with its value.
struct YAMLPair {
  /// The key as it is written.
  var key: String
  /// The setting it names, which another spelling may name too.
  var setting: String
  /// The key's line, from 1.
  var line: Int
  /// The value.
  var value: YAMLNode
}

extension YAMLNode {
  /// The pairs of this mapping, with those of its merge keys (`<<`) before its own; nil of another
  /// node.
  ///
  /// As PyYAML reads them: own keys win, then those of a later merge key, then those of an earlier
  /// mapping in its list. A setting that is given twice otherwise is an error.
  func pairs(in path: String) throws -> [YAMLPair]? {
    guard case .mapping(let entries) = content else { return nil }
    var merged: [YAMLPair] = []
    var own: [YAMLPair] = []
    for (key, value) in entries {
      guard case .scalar(let word, let isPlain) = key.content else {
        throw ConfigError.malformed(path: path, line: key.line, problem: "a key that is not a word")
      }
      if isPlain && word == "<<" {
        merged += try value.mergedPairs(in: path, line: key.line)
      } else {
        own.append(
          YAMLPair(
            key: word, setting: word == "seed" ? "random_seed" : word, line: key.line, value: value)
        )
      }
    }
    try YAMLPair.requireEachOnce(own, path: path)
    return YAMLPair.lastOfEach(merged + own)
  }

  /// The pairs that a merge key in `line` with this value stands for, weakest first.
  private func mergedPairs(in path: String, line: Int) throws -> [YAMLPair] {
    var mappings = [self]
    if case .list(let items) = content { mappings = items.reversed() }
    return try mappings.flatMap { mapping in
      guard let pairs = try mapping.pairs(in: path) else {
        throw ConfigError.malformed(
          path: path, line: line, problem: "<<: expected a mapping or a list of mappings")
      }
      return pairs
    }
  }
}

extension YAMLPair {
  /// Throws where two of `pairs` are the same setting.
  fileprivate static func requireEachOnce(_ pairs: [YAMLPair], path: String) throws {
    var first: [String: YAMLPair] = [:]
    for pair in pairs {
      if let earlier = first.updateValue(pair, forKey: pair.setting) {
        throw ConfigError.givenTwice(
          pair.key, path: path, line: pair.line, earlier: earlier.key, earlierLine: earlier.line)
      }
    }
  }

  /// Of pairs with the same setting the last one, in the place of the first.
  fileprivate static func lastOfEach(_ pairs: [YAMLPair]) -> [YAMLPair] {
    var places: [String: Int] = [:]
    var result: [YAMLPair] = []
    for pair in pairs {
      if let place = places[pair.setting] {
        result[place] = pair
      } else {
        places[pair.setting] = result.count
        result.append(pair)
      }
    }
    return result
  }
}

extension ConfigError {
  /// The error of a setting that one file gives twice, under one key or under two of its names.
  static func givenTwice(
    _ key: String, path: String, line: Int, earlier: String, earlierLine: Int
  ) -> ConfigError {
    let name = earlier == key ? "" : " as \(earlier.quoted())"
    return .malformed(
      path: path, line: line,
      problem: "\(key.quoted()): given twice: expected one value, found another"
        + " in line \(earlierLine)\(name)")
  }
}
