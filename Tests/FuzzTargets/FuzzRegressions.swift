/// Inputs of the kinds that once ended a reader, hung it or took the machine's memory.
public struct FuzzRegression: Sendable, CustomStringConvertible {
  /// Who reads it.
  public let target: FuzzTarget
  /// What is odd about it.
  public let name: String
  /// The file's bytes.
  public let bytes: [UInt8]
  /// The kind and who reads it.
  public var description: String { "\(target.rawValue): \(name)" }

  init(_ target: FuzzTarget, _ name: String, _ bytes: [UInt8]) {
    (self.target, self.name, self.bytes) = (target, name, bytes)
  }

  init(_ target: FuzzTarget, _ name: String, _ text: String) {
    self.init(target, name, Array(text.utf8))
  }
}

/// All of them.
public enum FuzzRegressions {
  /// The regression test runs these, and fuzzing starts from the small ones.
  public static let all: [FuzzRegression] =
    pickles + archives + headers + settings + tables + arrays + pictures + everywhere

  private static var everywhere: [FuzzRegression] {
    FuzzTarget.allCases.flatMap { target in
      [
        FuzzRegression(target, "empty", [UInt8]()), .init(target, "one zero", [0]),
        .init(target, "zeros", [UInt8](repeating: 0, count: 4096)),
        .init(target, "high bytes", [UInt8](repeating: 0xff, count: 4096)),
      ]
    }
  }

  private static func times(_ count: Int, _ bytes: [UInt8]) -> [UInt8] {
    [UInt8]((0..<count).map { _ in bytes }.joined())
  }

  /// A pickle of these bytes, one part after the other.
  private static func pickle(_ name: String, _ parts: [UInt8]...) -> FuzzRegression {
    FuzzRegression(.pickle, name, [UInt8](parts.joined()))
  }

  private static var pickles: [FuzzRegression] { nested + oversized + tensors }

  private static var nested: [FuzzRegression] {
    let bomb = times(25, [0x30, 0x68, 0, 0x68, 0, 0x86, 0x71, 0])  // each a pair of the one before
    let sets = times(20_000, [UInt8](PickleText.call("builtins", "set", [[0x68, 0]])) + [0x30])
    let list = PickleText.list((0..<5_000).map { PickleText.integer($0) })
    return [
      pickle("pairs of pairs", [0x80, 2, 0x4e, 0x71, 0], bomb, [0x2e]),
      pickle("nested a million deep", [0x80, 2], times(1_000_000, [0x5d]), [0x2e]),
      pickle("marks", [0x80, 2], times(1_000_000, [0x28]), [0x2e]),
      pickle("tuples around each other", [0x80, 2, 0x4e], times(500_000, [0x85]), [0x2e]),
      pickle("sets of one list again and again", [0x80, 2], list, [0x71, 0], sets, [0x2e]),
    ]
  }

  private static var oversized: [FuzzRegression] {
    let length = PickleText.littleEndian(1_000_000)
    let keys = (0..<1_000).flatMap { index -> [UInt8] in
      let key: [UInt8] = [0x8a, 9]
      return key + times(8, [0xff]) + [UInt8(index & 127), 0x4e]
    }
    let escapes = PickleText.dictionary([("\u{1b}[31m\r\n\u{7}", PickleText.integer(1))])
    return [
      pickle("a place far out in the memo", [0x80, 2, 0x4e, 0x72, 0xff, 0xff, 0xff, 0x7f, 0x2e]),
      pickle(
        "an integer of a megabyte", [0x80, 2, 0x8b], length, times(1_000_000, [0x7f]), [0x2e]),
      pickle("a decimal of a megabyte", [0x4c], times(1_000_000, [0x39]), [0x4c, 10, 0x2e]),
      pickle(
        "small values in great number", [0x80, 2, 0x28], times(3_000_000, [0x4e]), [0x74, 0x2e]),
      pickle("a text longer than the file", [0x80, 2, 0x58, 0xff, 0xff, 0xff, 0x7f, 0x2e]),
      pickle("bytes longer than memory", [0x80, 4, 0x8e], times(8, [0xff]), [0x2e]),
      pickle(
        "keys that are the largest integers", PickleText.pickle([0x7d, 0x28] + keys + [0x75])),
      pickle("control characters in a key", PickleText.pickle(escapes)),
    ]
  }

  private static var tensors: [FuzzRegression] {
    let ones = [Int](repeating: 1, count: 5_000)
    let views: [(name: String, shape: [Int], strides: [Int], offset: Int)] = [
      ("negative", [-1], [1], 0), ("beyond its storage", [1 << 30], [1], 0),
      ("without strides", [2, 2], [], 0), ("overlapping", [100_000, 1 << 14], [0, 0], 0),
      ("of an odd start", [4], [1], -8),
      ("of zero times much", [0, 1 << 30, 1 << 30], [1, 1, 1], 0),
      ("of too many axes", ones, ones, 0),
    ]
    return views.flatMap { view -> [FuzzRegression] in
      let tensor = PickleText.tensor(shape: view.shape, strides: view.strides, offset: view.offset)
      let bytes = PickleText.pickle(
        PickleText.dictionary([("model", tensor), ("velocity", tensor)]))
      return [FuzzTarget.pickle, .checkpoint].map {
        FuzzRegression($0, "a tensor \(view.name)", bytes)
      }
    }
  }

  private static var archives: [FuzzRegression] {
    let sound = StoredZip.archive(pickle: PickleText.pickle([0x4e]))
    let many = (0..<5_000).map { ("archive/data/\($0)", [UInt8]()) }
    return [
      .init(.archive, "half a zip", Array(sound.prefix(sound.count / 2))),
      .init(.archive, "an end alone", Array(sound.suffix(22))),
      .init(
        .archive, "a directory that points behind the file",
        sound.dropLast(6) + [0xff, 0xff, 0xff, 0x7f, 0, 0]),
      .init(.archive, "entries without number", StoredZip.file(many)),
      .init(
        .archive, "the same name twice",
        StoredZip.file([("a/data.pkl", [0x4e, 0x2e]), ("a/data.pkl", [0x2e])])),
      .init(
        .archive, "names that lead out",
        StoredZip.file([("../data.pkl", [0x4e, 0x2e]), ("/version", [])])),
      .init(.archive, "no name", StoredZip.file([("", [1])])),
      .init(.archive, "a pickle that is none", StoredZip.archive(pickle: [0xff])),
    ]
  }

  private static var headers: [FuzzRegression] {
    func file(_ name: String, _ header: String, length: Int? = nil) -> FuzzRegression {
      let bytes = Array(header.utf8)
      return .init(
        .safetensors, name,
        PickleText.littleEndian(length ?? bytes.count) + [0, 0, 0, 0] + bytes)
    }
    func tensor(_ shape: String, _ offsets: String) -> String {
      #"{"a":{"dtype":"F32","shape":\#(shape),"data_offsets":\#(offsets)}}"#
    }
    let open = String(repeating: "[", count: 1_000_000)
    let ones = String(repeating: "1,", count: 100_000)
    func empty(_ name: String, _ shape: String) -> String {
      #""\#(name)":{"dtype":"F32","shape":\#(shape),"data_offsets":[0,0]}"#
    }
    let dense =
      [empty("features.conv0.weight", "[4096,0,7,7]"), empty("classifier.weight", "[2,0]")]
      + (1...4).flatMap { block in
        (1...2_000).flatMap { layer in
          let name = "features.denseblock\(block).denselayer\(layer)"
          return [
            empty("\(name).conv1.weight", "[32768,0,1,1]"),
            empty("\(name).conv2.weight", "[32768,0,3,3]"),
          ]
        }
      }
    let many = (0..<50_000).map { #""\#($0)":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"# }
    return [
      file("a header longer than the file", "{}", length: 0x7fff_ffff),
      file("brackets", #"{"a":\#(open)"#), file("a name that ends nowhere", #"{"a"#),
      file("overflowing sizes", tensor("[4611686018427387904,4]", "[0,0]")),
      file("a size of zero times much", tensor("[0,4611686018427387904,4]", "[0,0]")),
      file("too many axes", tensor("[\(ones)1]", "[0,4]")),
      file("places before the file", tensor("[1]", "[-4,0]")),
      file("a number too large", tensor("[1e99]", "[0,99999999999999999999999]")),
      file("a dense network wider than memory", "{\(dense.joined(separator: ","))}"),
      file("tensors without number", "{\(many.joined(separator: ","))}"),
    ]
  }

  private static var settings: [FuzzRegression] {
    let levels = (0..<26).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]\n" }.dropFirst()
      .joined()
    let keys =
      "x: &k [\(String(repeating: "a,", count: 2_000))a]\n"
      + times(200, Array("? *k\n: 1\n".utf8)).text
    return [FuzzTarget.yaml, .plan].flatMap { target in
      [
        FuzzRegression(target, "aliases of aliases", "a0: &a0 [1]\n" + levels),
        .init(target, "aliases as keys", keys), .init(target, "an alias of itself", "a: &a [*a]\n"),
        .init(target, "an anchor that is not there", "lr: *nowhere\n"),
        .init(target, "brackets", String(repeating: "[", count: 20_000)),
        .init(target, "braces", String(repeating: "{a: ", count: 5_000)),
        .init(target, "line ends of elsewhere", "lr: 0.1\r\nepochs: 2\r\n"),
        .init(target, "a merge of a list", "<<: [1, 2]\nlr: 0.1\n"),
        .init(target, "a number too large", "epochs: 99999999999999999999999\nlr: 1e999\n"),
        .init(target, "a key twice", "lr: 0.1\nlr: 0.2\n"), .init(target, "tabs", "\tlr:\t0.1\n"),
        .init(target, "a tag", "lr: !!python/object:os.system x\n"),
        .init(target, "a mark of byte order", "\u{feff}lr: 0.1\n"),
        .init(target, "two documents", "lr: 0.1\n---\nlr: 0.2\n"),
      ]
    } + [
      .init(
        .plan, "millions of runs",
        "attacks: [badnet, sig]\nattack_seeds: [\(list(3_000))]\ntuning_seeds: [\(list(3_000))]\n"
          + "modes: [ft]\npratios: [0.1]\n")
    ]
  }

  private static func list(_ count: Int) -> String {
    (0..<count).map(String.init).joined(separator: ",")
  }

  private static var tables: [FuzzRegression] {
    [
      ("without rows", "epoch"), ("ragged", "a,b\n1\n1,2,3\n"), ("an open quote", "a\n\"x"),
      ("commas", String(repeating: ",", count: 500_000)),
      ("an integer too large", "batch,epoch\n99999999999999999999,-1\n"),
      ("no integer", "batch,epoch\n1.5,x\n"), ("line ends of elsewhere", "a,b\r\n1,2\r\n"),
    ].map { FuzzRegression(.csv, $0.0, $0.1) }
  }

  private static var arrays: [FuzzRegression] {
    [
      ("(-1,)", "|u1"), ("(4611686018427387904, 4)", "<f8"), ("()", "<i8"),
      ("(0, 9999999999)", "|u1"),
      ("(1,)", "|O"), ("(1,)", "<U99999999"), ("((((", "|u1"),
      ("(99999999999999999999999,)", "|u1"),
    ].map { shape, type in
      let header = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }\n"
      return FuzzRegression(
        .npy, "\(type) of \(shape)",
        [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8))
    } + [
      .init(
        .npy, "a header longer than the file",
        [0x93] + Array("NUMPY".utf8) + [2, 0, 255, 255, 255, 127])
    ]
  }

  private static var pictures: [FuzzRegression] {
    let png: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]
    func header(_ width: [UInt8], _ height: [UInt8]) -> [UInt8] {
      png + [0, 0, 0, 13] + Array("IHDR".utf8) + width + height + [8, 2, 0, 0, 0, 0, 0, 0, 0]
    }
    return [
      ("a PNG's chunk of gigabytes", png + [0x7f, 0xff, 0xff, 0xff] + Array("IHDR".utf8)),
      ("a PNG larger than memory", header([0, 0, 0xff, 0xff], [0, 0, 0xff, 0xff])),
      ("a PNG without pixels", header([0, 0, 0, 0], [0, 0, 0, 0])),
      ("a JPEG that only begins", [0xff, 0xd8, 0xff]),
      ("a JPEG of scans alone", [0xff, 0xd8] + times(2_000, [0xff, 0xda, 0, 6, 1, 1, 0, 0, 0])),
      ("a GIF that only begins", Array("GIF89a".utf8)),
      ("a BMP that only begins", Array("BM".utf8)),
      ("a TIFF whose directory is itself", Array("II*\0".utf8) + [8, 0, 0, 0, 0, 0, 8, 0, 0, 0]),
      ("a WebP that only begins", Array("RIFF\u{4}\0\0\0WEBP".utf8)),
    ].map { FuzzRegression(.image, $0.0, $0.1) }
      + [
        ("P6 99999999 99999999 255\n", "larger than memory"), ("P6 0 0 255\n", "without pixels"),
        ("P6 2 2 0\n", "without a maximum"), ("P6 -1 2 255\n", "of a negative side"),
        ("P6 #" + String(repeating: "x", count: 100_000), "of a comment"),
        ("P6 99999999999999999999 1 255\n", "of a side too large"),
      ].map { FuzzRegression(.image, "a PPM \($0.1)", $0.0) }
  }
}

extension [UInt8] {
  fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}
