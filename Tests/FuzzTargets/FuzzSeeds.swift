import Core
import Foundation

/// Small sound files of each kind, from which fuzzing starts.
public enum FuzzSeeds {
  /// Files that `target` reads without an error, or nearly so; `folder` is for those that only our
  /// own writers make.
  public static func files(of target: FuzzTarget, in folder: String) throws -> [[UInt8]] {
    switch target {
    case .archive: try archives(in: folder)
    case .pickle: pickles
    case .safetensors: [tensors, network]
    case .checkpoint: [checkpoint]
    case .info:
      [PickleText.pickle(PickleText.dictionary([("attack", PickleText.text("badnet"))]))]
    case .npy: arrays
    case .csv: [text("epoch,train_loss,test_acc\n1,0.5,0.25\n2,,nan\n"), text(",a\n0,\"x, y\"\n")]
    case .yaml:
      [
        text("dataset: cifar10\nlr: 1e-2\nepochs: 0o17\n"),
        text("a: &x {lr: 0.1}\nb: *x\n<<: *x\n"),
      ]
    case .plan:
      [text("attacks: [badnet, sig]\npratios: [0.1]\nmodes: [ft]\nattack: {epochs: 1}\n")]
    case .image: try pictures(in: folder)
    }
  }

  private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

  private static func archives(in folder: String) throws -> [[UInt8]] {
    let path = "\(folder)/seed.archive"
    let model = StateDict([
      .init(name: "linear.weight", shape: [2, 2], values: .float32([1, 2, 3, 4])),
      .init(name: "linear.bias", shape: [2], values: .float32([0, 0])),
    ])
    try DefenseResult(model: model).write(to: path)
    return [Array(try Data(contentsOf: URL(fileURLWithPath: path)))]
      + pickles.map { StoredZip.archive(pickle: $0) } + pickles
  }

  private static var pickles: [[UInt8]] {
    let tensor = PickleText.tensor(shape: [2, 3], strides: [3, 1])
    let model = PickleText.dictionary([("linear.weight", tensor), ("linear.bias", tensor)])
    return [
      PickleText.pickle(model),
      PickleText.pickle(
        PickleText.dictionary([
          ("model_name", PickleText.text("resnet18")), ("num_classes", PickleText.integer(10)),
          ("model", model), ("clean_data", PickleText.text("cifar10")),
          ("img_size", PickleText.list([32, 32, 3].map(PickleText.integer))),
        ])),
      PickleText.pickle(
        PickleText.list([
          PickleText.integer(-1), [0x8a, 2, 0, 1], [0x47, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0], [0x4e],
          PickleText.call("builtins", "set", [PickleText.list([PickleText.integer(1)])]),
        ])),
      text("(dp0\nS'a'\np1\nI1\nsS'b'\nL5L\ns."),
    ]
  }

  /// Three small tensors of different types.
  private static var tensors: [UInt8] {
    safeTensors(
      #"""
      {"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
      "b":{"dtype":"BF16","shape":[1,2],"data_offsets":[8,12]},
      "n":{"dtype":"I64","shape":[],"data_offsets":[12,20]}}
      """#, size: 20)
  }

  /// A network under others' names, so thin that it is small.
  private static var network: [UInt8] {
    var (items, end) = ([String](), 0)
    for slot in NetworkKind.resnet18.tensors(of: NetworkSize(width: 1), classCount: 2) {
      let (size, type) = slot.shape.isEmpty ? (8, "I64") : (4, "F32")
      let next = end + slot.shape.reduce(size, *)
      let name = slot.name.replacingOccurrences(of: "shortcut", with: "downsample")
      items.append(
        "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(slot.shape),\"data_offsets\":[\(end),\(next)]}"
      )
      end = next
    }
    return safeTensors("{\(items.joined(separator: ","))}", size: end)
  }

  private static func safeTensors(_ header: String, size: Int) -> [UInt8] {
    PickleText.littleEndian(header.utf8.count) + [0, 0, 0, 0] + text(header)
      + [UInt8](repeating: 0, count: size)
  }

  private static var checkpoint: [UInt8] {
    PickleText.pickle(
      PickleText.dictionary([
        ("format", PickleText.text("fst checkpoint")), ("version", PickleText.integer(2)),
        ("checksum", PickleText.text("0")), ("epochs", PickleText.integer(1)),
        ("samples", PickleText.integer(0)), ("world_size", PickleText.integer(1)),
        ("bucket_layout", PickleText.text("0")), ("settings", PickleText.dictionary([])),
        ("counts", PickleText.list([])), ("rows", PickleText.list([])),
        ("velocity", PickleText.tensor(shape: [4], strides: [1])),
        ("model", PickleText.dictionary([("a", PickleText.tensor(shape: [4], strides: [1]))])),
      ]))
  }

  private static var arrays: [[UInt8]] {
    [("|u1", "False", "(2, 3)", 6), ("<f4", "True", "(3,)", 12), ("<i8", "False", "()", 8)].map {
      type, order, shape, count in
      let header = "{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), }"
      let padded = header + String(repeating: " ", count: 117 - header.count) + "\n"
      return [0x93] + text("NUMPY") + [1, 0, 118, 0] + text(padded)
        + [UInt8](repeating: 1, count: count)
    }
  }

  private static func pictures(in folder: String) throws -> [[UInt8]] {
    let path = "\(folder)/seed.png"
    let pixels = (0..<4 * 3 * 3).map { UInt8($0 * 7) }
    try ImageFile.writePNG(RGBImage(pixels: pixels, width: 4, height: 3), to: path)
    let png = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    let bitmap =
      text("BM") + PickleText.littleEndian(78) + PickleText.littleEndian(0)
      + [54, 40, 2, 2].flatMap(PickleText.littleEndian) + [1, 0, 24, 0]
      + [UInt8](repeating: 0, count: 24) + [UInt8](repeating: 9, count: 16)
    let gif: [UInt8] =
      text("GIF89a") + [1, 0, 1, 0, 0x80, 0, 0, 9, 9, 9, 1, 1, 1, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0]
      + [2, 2, 0x44, 1, 0, 0x3b]
    return [
      png, text("P6 2 1 255\nabcdef"), text("P5 2 1 255\nab"), bitmap, gif, jpeg,
    ]
  }

  /// A grey picture of 8x8 with one coefficient, as small as JPEG comes.
  private static var jpeg: [UInt8] {
    func segment(_ kind: UInt8, _ content: [UInt8]) -> [UInt8] {
      [0xff, kind, 0, UInt8(content.count + 2)] + content
    }
    let ones = [UInt8](repeating: 1, count: 64)
    let codes: [UInt8] = [1] + [UInt8](repeating: 0, count: 15) + [0]
    return [0xff, 0xd8] + segment(0xdb, [0] + ones) + segment(0xc0, [8, 0, 8, 0, 8, 1, 1, 0x11, 0])
      + segment(0xc4, [0] + codes) + segment(0xc4, [0x10] + codes)
      + segment(0xda, [1, 1, 0, 0, 63, 0]) + [0x3f, 0xff, 0xd9]
  }
}
