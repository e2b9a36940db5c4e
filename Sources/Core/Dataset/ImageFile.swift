import Foundation
import ImageShim

/// What is wrong with a picture's file; each case names it.
public enum ImageError: Error, CustomStringConvertible, Equatable, Sendable {
  /// The file is not there or cannot be read.
  case unreadable(path: String, reason: String)
  /// The file begins like no picture we know.
  case unknownFormat(path: String)
  /// The file begins like a picture and cannot be decoded.
  case damaged(path: String, format: String, reason: String)
  /// A picture could not be written.
  case unwritable(path: String, reason: String)

  /// One line: which file, what was expected and found.
  public var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
    case .unknownFormat(let path): "\(path): expected a PNG, JPEG or PPM picture, found neither"
    case .damaged(let path, let format, let reason):
      "\(path): is no \(format) picture that can be decoded: \(reason)"
    case .unwritable(let path, let reason): "\(path): cannot be written: \(reason)"
    }
  }
}

/// Pictures on disk: reads PNG, JPEG and PPM, told apart by their first bytes, and writes PNG.
public enum ImageFile {
  /// The largest width and height that are decoded.
  public static let maximumSide = 16_384
  /// The largest number of pixels that are decoded.
  public static let maximumPixels = 1 << 26
  private static let maximumBytes = 1 << 28

  /// Reads a picture as 8-bit RGB.
  ///
  /// Equal to Pillow's `convert("RGB")`: palettes are looked up, grey is repeated, alpha and colour
  /// profiles are left out, JPEG is decoded as libjpeg does by default. Throws `ImageError`.
  public static func read(_ path: String) throws -> RGBImage {
    let bytes: [UInt8]
    do {
      bytes = try FileBytes.read(path, limit: maximumBytes)
    } catch {
      throw ImageError.unreadable(path: path, reason: error.reason)
    }
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
      return try decode(bytes, path: path, format: "PNG", with: fst_png_decode)
    }
    if bytes.starts(with: [0xFF, 0xD8]) {
      return try decode(bytes, path: path, format: "JPEG", with: fst_jpeg_decode)
    }
    if bytes.starts(with: Array("P6".utf8)) || bytes.starts(with: Array("P3".utf8)) {
      return try PortablePixmap.decode(bytes, path: path)
    }
    throw ImageError.unknownFormat(path: path)
  }

  /// Writes `image` as an 8-bit RGB PNG without any metadata; throws `ImageError`.
  public static func writePNG(_ image: RGBImage, to path: String) throws {
    let bytes = try image.pixels.withUnsafeBufferPointer {
      try encodePNG($0, width: image.width, height: image.height, path: path)
    }
    try write(bytes, to: path)
  }

  /// Writes `image` as `writePNG` does, so that a kill leaves the old file or the new one.
  ///
  /// Throws `ImageError`, `FileError`.
  package static func writePNGAtomically(_ image: RGBImage, to path: String) throws {
    let bytes = try image.pixels.withUnsafeBufferPointer {
      try encodePNG($0, width: image.width, height: image.height, path: path)
    }
    try AtomicFile.write(to: path) { try $0.write(bytes) }
  }

  private typealias Decoder = (
    UnsafePointer<UInt8>?, Int, UInt32, UInt64, UnsafeMutablePointer<fst_image>?,
    UnsafeMutablePointer<CChar>?, Int
  ) -> Int32

  private static func decode(
    _ bytes: [UInt8], path: String, format: String, with decoder: Decoder
  ) throws -> RGBImage {
    var image = fst_image()
    var reason = [CChar](repeating: 0, count: 256)
    let status = decoder(
      bytes, bytes.count, UInt32(maximumSide), UInt64(maximumPixels), &image, &reason,
      reason.count)
    guard status == 0, let pixels = image.pixels else {
      throw ImageError.damaged(path: path, format: format, reason: text(reason))
    }
    defer { fst_image_free(pixels) }
    let (width, height) = (Int(image.width), Int(image.height))
    let values = Array(UnsafeBufferPointer(start: pixels, count: width * height * 3))
    return RGBImage(pixels: values, width: width, height: height)
  }

  static func encodePNG(
    _ pixels: UnsafeBufferPointer<UInt8>, width: Int, height: Int, path: String
  ) throws -> [UInt8] {
    precondition(
      pixels.count == width * height * 3, "\(pixels.count) values for \(height)x\(width)x3")
    guard let columns = UInt32(exactly: width), let rows = UInt32(exactly: height) else {
      throw ImageError.unwritable(path: path, reason: "\(width)x\(height) pixels")
    }
    var file = fst_image_file()
    var reason = [CChar](repeating: 0, count: 256)
    let status = fst_png_encode(pixels.baseAddress, columns, rows, &file, &reason, reason.count)
    guard status == 0, let bytes = file.bytes else {
      throw ImageError.unwritable(path: path, reason: text(reason))
    }
    defer { fst_image_free(bytes) }
    return Array(UnsafeBufferPointer(start: bytes, count: file.count))
  }

  static func write(_ bytes: [UInt8], to path: String) throws {
    guard let file = fopen(path, "wbe") else {
      throw ImageError.unwritable(path: path, reason: String(cString: strerror(errno)))
    }
    let written = fwrite(bytes, 1, bytes.count, file)
    let failure = errno
    let isClosed = fclose(file) == 0
    guard written == bytes.count && isClosed else {
      throw ImageError.unwritable(
        path: path, reason: String(cString: strerror(isClosed ? failure : errno)))
    }
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
