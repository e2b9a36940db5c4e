import Foundation

extension ArchiveTree {
  /// The tree drawn with lines, one value a line, ending with a line feed.
  public var text: String {
    let place = ArchiveError.quoted(file) + (entry.isEmpty ? "" : ", " + ArchiveError.quoted(entry))
    var lines = ["\(place): \(Self.label(root)) in a \(container) container"]
    Self.draw(root, indent: "", into: &lines)
    return lines.joined(separator: "\n") + "\n"
  }

  /// The tree as one line of JSON: file, container, and the root's fields with nested `children`.
  public var json: String {
    var text = "{\"file\":\(Self.quote(file)),\"container\":\"\(container.rawValue)\","
    if !entry.isEmpty { text += "\"entry\":\(Self.quote(entry))," }
    Self.encode(root, isRoot: true, into: &text)
    return text + "}"
  }

  private static func draw(_ node: Node, indent: String, into lines: inout [String]) {
    for (index, child) in node.children.enumerated() {
      let isLast = index == node.children.count - 1 && node.omitted == 0
      lines.append(
        "\(indent)\(isLast ? "└─ " : "├─ ")\(ArchiveError.quoted(child.name)): \(label(child))")
      draw(child, indent: indent + (isLast ? "   " : "│  "), into: &lines)
    }
    if node.omitted > 0 { lines.append("\(indent)└─ … \(node.omitted) more") }
  }

  private static func label(_ node: Node) -> String {
    var label = node.type
    if let elementType = node.elementType { label += " \(elementType)" }
    if let shape = node.shape { label += " \(shape)" }
    if let count = node.count { label += " (\(count))" }
    if let value = node.value { label += " = \(value)" }
    return label
  }

  /// Adds the fields of `node` without braces.
  private static func encode(_ node: Node, isRoot: Bool, into text: inout String) {
    if !isRoot { text += "\"name\":\(quote(node.name))," }
    text += "\"type\":\(quote(node.type))"
    if let elementType = node.elementType { text += ",\"dtype\":\(quote(elementType))" }
    if let shape = node.shape {
      text += ",\"shape\":[\(shape.map(String.init).joined(separator: ","))]"
    }
    if let value = node.value { text += ",\"value\":\(quote(value))" }
    guard let count = node.count else { return }
    text += ",\"count\":\(count),\"children\":["
    for (index, child) in node.children.enumerated() {
      text += index == 0 ? "{" : ",{"
      encode(child, isRoot: false, into: &text)
      text += "}"
    }
    text += "]"
    if node.omitted > 0 { text += ",\"omitted\":\(node.omitted)" }
  }

  /// `text` as a JSON string.
  static func quote(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case _ where scalar.value < 0x20: quoted += String(format: "\\u%04x", scalar.value)
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
