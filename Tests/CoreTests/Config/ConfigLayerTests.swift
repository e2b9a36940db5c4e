import Core
import Foundation
import TestSupport
import Testing

/// A YAML file that is removed when the test is done with it.
final class TemporaryYAML {
  let path: String

  init(_ text: String) throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("config-\(UUID().uuidString).yaml").path
    try text.write(toFile: path, atomically: false, encoding: .utf8)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite struct ConfigLayerTests {
  @Test(arguments: [
    ("5", ConfigValue.integer(5)), ("-5", .integer(-5)), ("0.5", .real(0.5)), ("1e-4", .real(1e-4)),
    ("5e-4", .real(5e-4)), ("True", .boolean(true)), ("false", .boolean(false)),
    ("cuda:0", .text("cuda:0")), ("'5'", .text("5")), ("\"a b\"", .text("a b")), ("", .null),
    ("~", .null), ("[1, 2.5, x]", .list([.integer(1), .real(2.5), .text("x")])),
    ("nan", .text("nan")),
    ("0x10", .integer(16)), ("010", .integer(8)), ("-010", .integer(-8)), ("0b101", .integer(5)),
    ("1_000", .integer(1000)), ("1_0.5", .real(10.5)), ("1:30", .integer(90)),
    ("1:30.5", .real(90.5)), ("0", .integer(0)), ("00", .integer(0)), ("010.5", .real(10.5)),
    ("08", .text("08")), ("0o10", .text("0o10")), ("1:60", .text("1:60")), ("0x", .text("0x")),
    (".inf", .real(.infinity)), (".5", .real(0.5)), ("1e3", .real(1000)), ("none", .null),
    ("99999999999999999999", .real(1e20)), ("!!str 5", .text("5")), ("!!float '5'", .integer(5)),
    ("12:30:45x", .text("12:30:45x")), ("a-b", .text("a-b")), ("e5", .text("e5")),
  ])
  func aValueIsTypedByHowItLooks(text: String, value: ConfigValue) throws {
    let yaml = try TemporaryYAML("key: \(text)\n")
    let layer = try ConfigLayer(yaml: yaml.path)
    #expect(
      layer.settings == [
        ConfigSetting(key: "key", value: value, origin: .file(yaml.path, line: 1))
      ])
  }

  @Test func settingsKeepTheirOrderAndLines() throws {
    let yaml = try TemporaryYAML("# first\nlr: 1\n\nepochs: 2\nseed: 3\n")
    let layer = try ConfigLayer(yaml: yaml.path)
    #expect(layer.settings.map(\.key) == ["lr", "epochs", "random_seed"])
    #expect(
      layer.settings.map(\.origin) == [2, 4, 5].map { ConfigOrigin.file(yaml.path, line: $0) })
  }

  @Test(arguments: ["", "# nothing but a comment\n", "---\n"])
  func anEmptyFileSetsNothing(text: String) throws {
    let yaml = try TemporaryYAML(text)
    #expect(try ConfigLayer(yaml: yaml.path).settings.isEmpty)
  }

  @Test(arguments: [
    "just words\n", "- a\n- b\n", "a: {b: c}\n", "a: [[1]]\n", "a: [1\n", "a: 'x\n", "a: b: c\n",
    "\tlr: 1\n", "lr: 1\nlr: 2\n", "[a, b]: c\n", "a: *nowhere\n",
    "a: &a [*a]\n", "a: 1\n---\nb: 2\n", "<<: 1\n", "<<: [1]\n", "<<:\n", "a: !x 1\n",
    "a: {b: 1}\n",
    "'<<': {a: 1}\n", "random_seed: 3\nseed: 4\n", "a: &a {b: 1}\n", "a: &a [[1]]\nb: *a\n",
  ])
  func whatIsNotAMappingOfScalarsIsRefusedWithItsLine(text: String) throws {
    let yaml = try TemporaryYAML(text)
    let error = #expect(throws: ConfigError.self) { try ConfigLayer(yaml: yaml.path) }
    let message = error?.description ?? ""
    #expect(message.contains(#/\.yaml:[0-9]+: /#))
    #expect(!message.contains("\n"))
  }

  @Test func deepNestingIsRefusedBeforeTheParserRecurses() throws {
    let steps = (1...300).map { String(repeating: " ", count: $0) + "[\n" }.joined()
    for text in [
      String(repeating: "[", count: 900), String(repeating: "- ", count: 900), "a:\n" + steps,
    ] {
      let yaml = try TemporaryYAML(text)
      #expect(throws: ConfigError.self) { try ConfigLayer(yaml: yaml.path) }
    }
  }

  @Test(arguments: ["/nonexistent/none.yaml", "/", "/dev/zero"])
  func aFileThatCannotBeReadIsNamed(path: String) {
    let error = #expect(throws: ConfigError.self) { try ConfigLayer(yaml: path) }
    #expect(error?.description.hasPrefix("\(path): ") == true)
  }

  @Test func bytesThatAreNotTextAreRefused() throws {
    let yaml = try TemporaryYAML("")
    try Data([0x6C, 0x72, 0x3A, 0x20, 0xFF, 0xFE]).write(to: URL(fileURLWithPath: yaml.path))
    #expect(throws: ConfigError.unreadable(path: yaml.path, reason: "not text in UTF-8")) {
      try ConfigLayer(yaml: yaml.path)
    }
  }

  @Test(arguments: ["a: 1\nb: [1, 2]\n# c\n\nepochs: 3\n"])
  func lineEndsOfAnyKindAreOne(text: String) throws {
    let unix = try TemporaryYAML(text)
    for end in ["\r\n", "\r"] {
      let other = try TemporaryYAML(
        text.replacingOccurrences(of: "\n", with: end)
          + String(repeating: "# a comment\(end)", count: 200))
      let layers = try [unix, other].map { try ConfigLayer(yaml: $0.path) }
      #expect(layers[0].settings.map(\.value) == layers[1].settings.map(\.value))
      #expect(layers[1].settings.map(\.origin).last == .file(other.path, line: 5))
    }
  }

  static let merges: [(text: String, settings: [String: ConfigValue])] = [
    ("<<: {lr: 0.05, epochs: 1}\n", ["lr": .real(0.05), "epochs": .integer(1)]),
    ("c: &c\n  lr: 0.5\n  wd: 1\n<<: *c\nlr: 2\n", ["lr": .integer(2), "wd": .integer(1)]),
    ("lr: 2\n<<: {lr: 0.5}\n", ["lr": .integer(2)]),
    (
      "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\n<<: [*a, *b]\n",
      ["x": .integer(1), "y": .integer(1), "z": .integer(2)]
    ),
    ("h: [&a {x: 1}, &b {x: 2}]\n<<: [*b, *a]\n", ["x": .integer(2)]),
    ("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\n<<: *b\n", ["x": .integer(1), "y": .integer(2)]),
    ("<<: {x: 1}\n<<: {x: 2}\n", ["x": .integer(2)]),
    ("a: &a {seed: 1}\n<<: *a\nrandom_seed: 2\n", ["random_seed": .integer(2)]),
    ("a: &v 0.5\nb: *v\n", ["a": .real(0.5), "b": .real(0.5)]),
    (
      "a: &v [1, 2]\nb: *v\n",
      ["a": .list([.integer(1), .integer(2)]), "b": .list([.integer(1), .integer(2)])]
    ),
    ("a: [&v 1, *v]\n", ["a": .list([.integer(1), .integer(1)])]),
    ("&k lr: 1\n", ["lr": .integer(1)]),
  ]

  @Test(arguments: merges.indices) func mergeKeysAndAliasesAreWhatTheyStandFor(index: Int) throws {
    let yaml = try TemporaryYAML(Self.merges[index].text)
    let settings = try ConfigLayer(yaml: yaml.path).settings
    #expect(
      Dictionary(settings.map { ($0.key, $0.value) }) { $1 } == Self.merges[index].settings)
    #expect(settings.count == Self.merges[index].settings.count)
  }

  @Test func aSettingGivenUnderTwoOfItsNamesIsRefusedWithBothLines() throws {
    let yaml = try TemporaryYAML("lr: 1\nrandom_seed: 3\nseed: 4\n")
    let error = #expect(throws: ConfigError.self) { try ConfigLayer(yaml: yaml.path) }
    #expect(
      error?.description == "\(yaml.path):3: seed: given twice: expected one value, found another "
        + "in line 2 as random_seed")
  }

  /// Each file is small and would stand for more than any memory holds.
  static let bombs: [String] = {
    func levels(_ last: String, _ level: (Int) -> String) -> String {
      (0..<40).map { "k\($0): &k\($0) \(level($0))\n" }.joined() + last
    }
    func lists(_ last: String) -> String {
      levels(last) { $0 == 0 ? "[x, x]" : "[*k\($0 - 1), *k\($0 - 1)]" }
    }
    func mappings(_ last: String) -> String {
      levels(last) { $0 == 0 ? "{x: 1}" : "{<<: [*k\($0 - 1), *k\($0 - 1)]}" }
    }
    let wide = "w: &w [\((0..<900).map { "\($0)" }.joined(separator: ", "))]\n"
    return [
      lists("? *k39\n: 1\n"), lists("{*k39 : 1}: 2\n"), lists("a: *k39\n"), lists(""),
      mappings("<<: *k39\n"), mappings("? {<<: *k39}\n: 1\n"),
      wide + (0..<200).map { "a\($0): *w\n" }.joined(),
      String(repeating: "a: [\n", count: 3000), String(repeating: "{a: ", count: 100_000),
      String(repeating: "- ", count: 100_000), String(repeating: "? ", count: 100_000),
      "a: [" + String(repeating: "1, ", count: 200_000) + "1]\n",
    ]
  }()

  @Test(arguments: bombs.indices) func whatAliasesStandForIsBounded(index: Int) throws {
    let yaml = try TemporaryYAML(Self.bombs[index])
    let seconds = processorSeconds {
      let error = #expect(throws: ConfigError.self) { try ConfigLayer(yaml: yaml.path) }
      #expect(error?.description.contains("\n") == false)
    }
    #expect(seconds < 10)
  }

  @Test func aLongListInOneLineIsRead() throws {
    let yaml = try TemporaryYAML("a: [\((0..<5000).map { "\($0)" }.joined(separator: ", "))]\n")
    guard case .list(let values)? = try ConfigLayer(yaml: yaml.path).settings.first?.value else {
      Issue.record("no list")
      return
    }
    #expect(values.count == 5000)
  }

  @Test func aNamedPipeIsRefusedAtOnce() throws {
    let path =
      FileManager.default.temporaryDirectory.appendingPathComponent("pipe-\(UUID().uuidString)")
      .path
    #expect(mkfifo(path, 0o600) == 0)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let error = #expect(throws: ConfigError.self) { try ConfigLayer(yaml: path) }
    #expect(error?.description.contains("not a regular file") == true)
  }
}
