import Foundation
import TestSupport

/// A folder of 32x32 images in two classes, a dark and a bright one, and a place for runs; it owns
/// both.
final class TinyDataset: Sendable {
  static let program = RunProcess.product("fst")
  let folder: String

  init() throws {
    folder =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("tiny-\(UUID().uuidString)").path
    for (split, count) in [("train", 20), ("test", 8)] {
      for (label, name) in ["bright", "dark"].enumerated() {
        let path = "\(folder)/data/\(split)/\(name)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for index in 0..<count {
          try Self.image(index, label: label).write(
            to: URL(fileURLWithPath: "\(path)/\(index).ppm"))
        }
      }
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// The root of all runs of this test.
  var record: String { "\(folder)/record" }

  /// The flags of a run that takes a second: a model of width 4, ten images a step.
  var flags: [String] {
    [
      "--dataset", "image_folder", "--dataset_path", "\(folder)/data", "--record", record,
      "--width", "4", "--batch_size", "10", "--threads", "1",
    ]
  }

  /// The folder that a badnet run with default settings makes.
  var runFolder: String { "\(record)/image_folder/badnet/pratio_0.1-target_0-archi_resnet18" }

  /// The rows of the run's attack_df.csv that are on disk.
  var finishedEpochs: Int {
    let text = (try? String(contentsOfFile: "\(runFolder)/attack_df.csv", encoding: .utf8)) ?? ""
    return max(text.split(separator: "\n").count - 1, 0)
  }

  /// Waits until `count` epochs are on disk, at most `timeout` seconds.
  func waitForEpochs(_ count: Int, timeout: Double = RunProcess.hangLimit) -> Bool {
    let end = Date().addingTimeInterval(timeout)
    while finishedEpochs < count {
      if Date() > end { return false }
      Thread.sleep(forTimeInterval: 0.02)
    }
    return true
  }

  private static func image(_ index: Int, label: Int) -> Data {
    var bytes = Data("P6 32 32 255\n".utf8)
    for position in 0..<(32 * 32 * 3) {
      bytes.append(UInt8((label == 0 ? 150 : 20) + (position &* 7 &+ index &* 13) % 80))
    }
    return bytes
  }
}
