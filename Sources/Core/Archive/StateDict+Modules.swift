extension StateDict {
  /// PyTorch's `_metadata`: each module's path with the version of its state, parents first.
  ///
  /// BatchNorm modules have version 2, since they count their batches; all others 1. The names of
  /// tensors show every module but those without any: the empty shortcuts of the original
  /// ResNet18's identity blocks, which are added as the last child of such a block.
  var moduleVersions: [PickleValue.Entry] {
    let names = entries.map(\.name)
    let normalized = Set(
      names.filter { $0.hasSuffix(".running_mean") }.map { String($0.dropLast(13)) })
    let paths = Self.modulePaths(of: names)
    return paths.map { path in
      let version: Int64 = normalized.contains(path) ? 2 : 1
      return .init(path, .dictionary([.init("version", .int(version))]))
    }
  }

  private static func modulePaths(of names: [String]) -> [String] {
    var paths = [""]
    var seen: Set<String> = [""]
    func add(_ path: String) { if seen.insert(path).inserted { paths.append(path) } }
    // Only blocks whose shortcuts normalise own a shortcut even where it does nothing.
    let ownsShortcuts = names.contains { $0.hasSuffix(".shortcut.1.running_mean") }
    var block: String?
    func close(_ next: String?) {
      if let block, block != next, ownsShortcuts { add("\(block).shortcut") }
      block = next
    }
    for name in names {
      let parts = name.split(separator: ".", omittingEmptySubsequences: false).dropLast()
      let isBlock = parts.count >= 3 && parts[0].hasPrefix("layer")
      close(isBlock ? parts.prefix(2).joined(separator: ".") : nil)
      for length in 1...max(1, parts.count) where length <= parts.count {
        add(parts.prefix(length).joined(separator: "."))
      }
    }
    close(nil)
    return paths
  }
}
