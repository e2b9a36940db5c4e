import Core
import Foundation
import Testing

/// Goldens of pictures, triggers and draws, made by the scripts in Tests/Goldens.
struct ImageGoldens: Decodable {
  struct Resize: Decodable {
    let from: [Int]
    let to: [Int]
    let pixels: Data
  }
  struct Picture: Decodable {
    let name: String
    let size: [Int]
    let file: Data
    let pixels: Data
  }
  struct Blended: Decodable {
    let alpha: Double
    let pixels: Data
  }
  struct Sinusoidal: Decodable {
    let delta: Double
    let frequency: Double
    let width: Int
    let pixels: Data
  }
  let resize: [Resize]
  let png: [Picture]
  let jpeg: [Picture]
  let ppm: [Picture]
  let bmp: [Picture]
  let webp: [Picture]
  let gif: [Picture]
  let tiff: [Picture]
  let blended: [Blended]
  let sinusoidal: [Sinusoidal]

  static func load() throws -> ImageGoldens { try goldenFile("images.json") }
}

/// The content of a file in Tests/Goldens.
func goldenFile<Content: Decodable>(_ name: String) throws -> Content {
  let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  let file = tests.appendingPathComponent("Goldens/\(name)")
  return try JSONDecoder().decode(Content.self, from: Data(contentsOf: file))
}

/// A folder for one test; it owns the folder and removes it.
final class DataScratch {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("fst-data-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file below the folder, with the folders it needs; returns its path.
  @discardableResult func write(_ bytes: [UInt8], to name: String) throws -> String {
    let file = "\(path)/\(name)"
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }

  /// Writes a file in a folder below, whose names are bytes that need be no UTF-8.
  func write(_ bytes: [UInt8], inFolder folder: [UInt8], name: [UInt8]) throws {
    let place = Array(path.utf8) + [47] + folder
    for end in place.indices.dropFirst(path.utf8.count + 1) where place[end] == 47 {
      mkdir(place[..<end].map(CChar.init(bitPattern:)) + [0], 0o755)
    }
    mkdir(place.map(CChar.init(bitPattern:)) + [0], 0o755)
    let file = try #require(fopen((place + [47] + name).map(CChar.init(bitPattern:)) + [0], "wb"))
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }
}

/// The picture that the golden script calls `formula`.
func formulaImage(width: Int, height: Int) -> RGBImage {
  var pixels: [UInt8] = []
  for y in 0..<height {
    for x in 0..<width {
      for c in 0..<3 { pixels.append(UInt8((x * 37 + y * 91 + c * 53 + x * y * 7) % 256)) }
    }
  }
  return RGBImage(pixels: pixels, width: width, height: height)
}

/// A pixmap of `width` x `height` whose values are all `value`.
func pixmap(_ value: UInt8, width: Int = 8, height: Int = 8) -> [UInt8] {
  Array("P6 \(width) \(height) 255\n".utf8)
    + [UInt8](repeating: value, count: width * height * 3)
}

/// Images of one pixel each whose value is their index, with given labels.
func indexedImages(labels: [Int], classCount: Int, side: Int = 1) -> LabeledImages {
  let pixels = labels.indices.flatMap {
    [UInt8](repeating: UInt8($0 % 251), count: side * side * 3)
  }
  return LabeledImages(
    pixels: pixels, labels: labels, height: side, width: side,
    classNames: (0..<classCount).map(String.init))
}
