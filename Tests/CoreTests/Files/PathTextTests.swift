import Core
import Foundation
import Testing

/// Paths in closed form, those of one character and without a name among them.
@Suite struct PathTextTests {
  static let parts: [(path: String, folder: String, name: String)] = [
    ("", ".", ""), ("/", "/", "/"), ("//", "/", "/"), (".", ".", "."), ("..", ".", ".."),
    ("a", ".", "a"), ("-", ".", "-"), ("a/", ".", "a"), ("a//", ".", "a"), ("./a", ".", "a"),
    ("./", ".", "."), ("/a", "/", "a"), ("/a/", "/", "a"), ("//a", "/", "a"),
    ("a/b", "a", "b"), ("a//b", "a", "b"), ("a/b/", "a", "b"), ("/a/b", "/a", "b"),
    ("//a//b", "//a", "b"), ("../b", "..", "b"), ("a/..", "a", ".."), ("./r/b", "./r", "b"),
    ("r/\u{301}b", "r", "\u{301}b"), ("ü/ñ", "ü", "ñ"), ("a b/ c", "a b", " c"),
  ]

  @Test func aPathHasItsFolderAndItsName() {
    for (path, folder, name) in Self.parts {
      #expect(PathText.folder(of: path) == folder, "folder of '\(path)'")
      #expect(PathText.name(of: path) == name, "name of '\(path)'")
    }
  }

  @Test func aNameHasItsExtensionAfterTheLastDot() {
    for (path, stem, suffix) in [
      ("", "", ""), ("a", "a", ""), ("a.pt", "a", "pt"), ("r/a.tar.gz", "a.tar", "gz"),
      (".hidden", ".hidden", ""), ("..", "..", ""), ("..a", "..a", ""), (".a.pt", ".a", "pt"),
      ("a.", "a", ""), ("r.d/a", "a", ""), ("a.pt/", "a", "pt"), ("/", "/", ""),
    ] {
      #expect(PathText.stem(of: path) == stem, "stem of '\(path)'")
      #expect(PathText.fileExtension(of: path) == suffix, "extension of '\(path)'")
    }
  }

  @Test func joiningDoublesNoSlash() {
    for (folder, name, path) in [
      ("", "a", "a"), (".", "a", "./a"), ("/", "a", "/a"), ("r", "a", "r/a"), ("r/", "a", "r/a"),
      ("-", "a", "-/a"),
    ] { #expect(PathText.join(folder, name) == path) }
  }

  @Test func folderAndNameJoinedAreTheSamePath() {
    for path in ["a/b", "/a", "/a/b", "../b", "./a", "x/y/z", "r/\u{301}b"] {
      #expect(PathText.join(PathText.folder(of: path), PathText.name(of: path)) == path)
    }
  }

  @Test func componentsAreWithoutEmptyOnes() {
    #expect(PathText.components(of: "").isEmpty)
    #expect(PathText.components(of: "/").isEmpty)
    #expect(PathText.components(of: "//a//b/") == ["a", "b"])
    #expect(PathText.components(of: "./a") == [".", "a"])
  }

  @Test func aPathThatIsThereIsResolvedAndAnotherIsLeft() {
    #expect(PathText.resolved("/usr/./bin/..") == "/usr")
    #expect(PathText.resolved("no/such/../file") == "no/such/../file")
    #expect(PathText.resolved("") == "")
  }

  /// Foundation's end the process on a path of one character; this one file is the place.
  @Test func noSourceSplitsPathsByItself() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let sources = root.appendingPathComponent("Sources").path
    let files = try #require(FileManager.default.enumerator(atPath: sources))
      .compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }
    #expect(files.count > 100)
    for file in files {
      let text = try String(contentsOfFile: "\(sources)/\(file)", encoding: .utf8)
      for word in ["as NSString", "activeProcessorCount", "deletingLastPathComponent"] {
        #expect(!text.contains(word), "\(file) has \(word)")
      }
    }
  }
}
