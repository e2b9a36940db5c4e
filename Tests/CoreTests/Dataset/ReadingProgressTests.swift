import Core
import Foundation
import Synchronization
import Testing

/// How far the reading of a dataset is, as whoever waits for it is told.
@Suite struct ReadingProgressTests {
  private final class Told: Sendable {
    private let calls = Mutex<[(done: Int, total: Int)]>([])
    var all: [(done: Int, total: Int)] { calls.withLock { $0 } }

    func add(_ done: Int, _ total: Int) { calls.withLock { $0.append((done, total)) } }
  }

  /// 130 pictures: 100 to train on, 30 to test with.
  private func pictures() throws -> String {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("reading-\(UUID().uuidString)").path
    for (split, count) in [("train", 100), ("test", 30)] {
      let path = "\(folder)/\(split)/a"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      for index in 0..<count {
        try Data("P6 8 8 255\n".utf8 + [UInt8](repeating: 7, count: 8 * 8 * 3))
          .write(to: URL(fileURLWithPath: "\(path)/\(index).ppm"))
      }
    }
    return folder
  }

  @Test func bothHalvesOfAFolderCountTogetherUpToTheLast() throws {
    let folder = try pictures()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let told = Told()
    _ = try DatasetLoader.load(
      name: "image_folder", path: folder, seed: 0, threads: 1, progress: { told.add($0, $1) })
    #expect(told.all.map(\.done) == [64, 128, 130])
    #expect(told.all.allSatisfy { $0.total == 130 })
  }
}
