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
    case .unknownFormat(let path):
      "\(path): expected a \(PictureFormat.list) picture, found none of these"
    case .damaged(let path, let format, let reason):
      "\(path): is no \(format) picture that can be decoded: \(reason)"
    case .unwritable(let path, let reason): "\(path): cannot be written: \(reason)"
    }
  }
}

/// Pictures on disk: reads the formats of `PictureFormat`, told apart by their first bytes, and
/// writes PNG.
public enum ImageFile {
  /// The largest width and height that are decoded.
  public static let maximumSide = 16_384
  /// The largest number of pixels that are decoded: 100 MB of them.
  public static let maximumPixels = 1 << 25
  static let maximumBytes = 1 << 27

  /// Reads a picture as 8-bit RGB, the first one where a file holds several.
  ///
  /// Equal to Pillow's `convert("RGB")`: palettes are looked up, grey is repeated, alpha and colour
  /// profiles are left out, CMYK is multiplied by its black, JPEG is decoded as libjpeg does by
  /// default. Of 16 bits the high byte is taken; but grey of 16 bits is cut off at 255, as there.
  /// Throws `ImageError`.
  public static func read(_ path: String) throws -> RGBImage {
    let picture = try Picture(BytePath(path))
    let size = picture.size
    let pixels = try [UInt8](unsafeUninitializedCapacity: size.valueCount) { buffer, count in
      try picture.decode(into: UnsafeMutableBufferPointer(rebasing: buffer[..<size.valueCount]))
      count = size.valueCount
    }
    return RGBImage(pixels: pixels, width: size.width, height: size.height)
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
