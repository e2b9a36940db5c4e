import Core
import Foundation
import TestSupport
import Testing

/// What `make install` puts in place: the program, its manual page and its completions.
@Suite struct InstallTests {
  private static let scripts =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("scripts").path
  private static let places = [
    "bin/fst", "share/man/man1/fst.1", "share/bash-completion/completions/fst",
    "share/zsh/site-functions/_fst", "share/fish/vendor_completions.d/fst.fish",
  ]

  /// A folder for an installation; it owns the files.
  private final class Place: Sendable {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("install-\(UUID().uuidString)").path
    var prefix: String { "\(path)/usr/local" }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func run(_ what: String) throws -> ProcessOutput {
      try RunProcess.run(
        "/bin/bash",
        ["\(scripts)/install.sh", what, RunProcess.product("fst"), "/usr/local"],
        environment: ["DESTDIR": path])
    }
  }

  @Test func allIsInPlaceAndGoesAgain() throws {
    let place = Place()
    #expect(try place.run("install").exitCode == 0)
    let program = try RunProcess.run("\(place.prefix)/bin/fst", ["--version"])
    #expect(program.exitCode == 0)
    let files = FileManager.default
    for path in Self.places {
      #expect(files.fileExists(atPath: "\(place.prefix)/\(path)"), "\(path)")
    }
    #expect(try place.run("uninstall").exitCode == 0)
    for path in Self.places { #expect(!files.fileExists(atPath: "\(place.prefix)/\(path)")) }
  }

  @Test func theManualPageHasEveryFlagAndNoWarning() throws {
    let page = try RunProcess.run("\(Self.scripts)/man.py", [RunProcess.product("fst")])
    #expect(page.exitCode == 0, "\(page.standardError)")
    let plain = page.standardOutput.replacing("\\-", with: "-")
    let keys = AttackConfiguration.fields.map(\.key) + DefendConfiguration.fields.map(\.key)
    for key in keys + ["tensorboard", "log_json", "list_models"] where key != "attack" {
      #expect(plain.contains("\\fB--\(key)\\fR"), "--\(key)")
    }
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("fst-\(UUID().uuidString).1")
    try Data(page.standardOutput.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/groff") else { return }
    let drawn = try RunProcess.run(
      "/usr/bin/groff", ["-man", "-ww", "-z", "-Tutf8", file.path])
    #expect(drawn.exitCode == 0)
    #expect(drawn.standardError.isEmpty, "\(drawn.standardError)")
  }

  @Test(arguments: [
    (["attack", "badnet_"], "badnet_bypass"),
    (["attack", "badnet", "--dataset", "cifar100"], "cifar100"),
    (["attack", "badnet", "--model", "vgg"], "vgg19_bn"), (["tune", "--ft_m"], "--ft_mode"),
    (["defend", "cl"], "clp"), (["bench", "ker"], "kernels"),
  ])
  func bashCompletes(words: [String], last: String) throws {
    let script = """
      source <("$0" --generate-completion-script bash)
      PATH="$(dirname "$0"):$PATH"
      COMP_WORDS=(fst "$@"); COMP_CWORD=$#; COMP_LINE="fst $*"; COMP_POINT=${#COMP_LINE}
      _fst fst "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
      echo "${COMPREPLY[@]}"
      """
    let output = try RunProcess.run(
      "/bin/bash", ["-c", script, RunProcess.product("fst")] + words)
    #expect(output.outputLines == [last], "\(output.standardError)")
  }
}
