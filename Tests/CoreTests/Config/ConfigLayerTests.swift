import Core
import Foundation
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
    ("0x10", .text("0x10")),
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
}
