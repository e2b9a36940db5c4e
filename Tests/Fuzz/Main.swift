import Foundation
import FuzzShim
import FuzzTargets

/// `fuzz seeds FOLDER` writes the seeds; `fuzz TARGET …` runs libFuzzer with its own options.
@main struct Fuzz {
  nonisolated(unsafe) private static var target = FuzzTarget.archive
  private static let path =
    "\(FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : "/tmp")"
    + "/fst-fuzz-\(getpid())"

  static func main() throws {
    let arguments = CommandLine.arguments
    if arguments.count == 3, arguments[1] == "seeds" { return try writeSeeds(arguments[2]) }
    guard arguments.count > 1, let chosen = FuzzTarget(rawValue: arguments[1]) else {
      print("fuzz seeds FOLDER | fuzz TARGET [libFuzzer's options]; targets:")
      FuzzTarget.allCases.forEach { print("  \($0.rawValue)") }
      exit(64)
    }
    target = chosen
    var count = CommandLine.argc - 1
    var words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? =
      CommandLine.unsafeArgv + 1
    let status = LLVMFuzzerRunDriver(&count, &words) { data, size in
      let bytes = UnsafeBufferPointer(start: data, count: size)
      Fuzz.target.run(Array(bytes), at: Fuzz.path)
      return 0
    }
    unlink(path)
    exit(status)
  }

  private static func writeSeeds(_ folder: String) throws {
    for target in FuzzTarget.allCases {
      let place = "\(folder)/\(target.rawValue)"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      let files =
        try FuzzSeeds.files(of: target, in: folder)
        + FuzzRegressions.all.filter { $0.target == target }.map(\.bytes)
      for (index, bytes) in files.enumerated() where bytes.count <= 1 << 16 {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(place)/seed-\(index)"))
      }
    }
  }
}
