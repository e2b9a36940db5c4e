import Foundation
import FuzzTargets
import TestSupport
import Testing

/// Every reader comes to a value or one line, soon, for odd files and for damaged sound ones.
///
/// It is the processor's time that is looked at. A reader that traps ends the whole test run.
@Suite struct FuzzRegressionTests {
  private final class Scratch {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("fuzz-\(UUID().uuidString)").path
    init() throws {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: folder) }
  }

  /// Processor seconds that a reader may take.
  private static let limit = 3.0

  private func check(_ target: FuzzTarget, _ bytes: [UInt8], _ name: String, in folder: String) {
    var outcome = FuzzTarget.Outcome.value
    let seconds = processorSeconds {
      outcome = target.run(bytes, at: "\(folder)/input.\(target.rawValue)")
    }
    #expect(seconds < Self.limit, "\(target.rawValue), \(name): \(seconds) s")
    if case .error(let line) = outcome {
      #expect(!line.isEmpty && !line.contains("\u{1b}"), "\(target.rawValue), \(name): \(line)")
    }
  }

  @Test(arguments: FuzzTarget.allCases) func oddFilesEndSoon(target: FuzzTarget) throws {
    let scratch = try Scratch()
    for regression in FuzzRegressions.all where regression.target == target {
      check(target, regression.bytes, regression.name, in: scratch.folder)
    }
  }

  @Test(arguments: FuzzTarget.allCases) func soundFilesAreRead(target: FuzzTarget) throws {
    let scratch = try Scratch()
    let seeds = try FuzzSeeds.files(of: target, in: scratch.folder)
    let values = seeds.filter {
      target.run($0, at: "\(scratch.folder)/input") == .value
    }.count
    // What only a run makes whole, a checkpoint's checksum for one, is beyond a seed.
    if [.npy, .image].contains(target) { #expect(values > 0, "\(target.rawValue)") }
  }

  @Test(arguments: FuzzTarget.allCases) func cutFilesEndSoon(target: FuzzTarget) throws {
    let scratch = try Scratch()
    for seed in try FuzzSeeds.files(of: target, in: scratch.folder) {
      for length in stride(from: 0, to: seed.count, by: max(seed.count / 40, 1)) {
        check(target, Array(seed.prefix(length)), "cut at \(length)", in: scratch.folder)
      }
    }
  }

  @Test(arguments: FuzzTarget.allCases) func changedFilesEndSoon(target: FuzzTarget) throws {
    let scratch = try Scratch()
    var state: UInt64 = 1
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % max(bound, 1)
    }
    for seed in try FuzzSeeds.files(of: target, in: scratch.folder) where !seed.isEmpty {
      for round in 0..<60 {
        var bytes = seed
        for _ in 0...round % 3 {
          bytes[next(bytes.count)] = [0, 1, 0x7f, 0x80, 0xff, UInt8(next(256))][next(6)]
        }
        check(target, bytes, "change \(round)", in: scratch.folder)
      }
    }
  }
}
