import Foundation
import ImageShim

/// A picture's file in memory, of which only the header has been looked at.
///
/// So its size is known before anything is taken for its pixels, which are decoded once, into their
/// last place.
struct Picture {
  typealias Size = ImageSize

  let path: String
  let format: PictureFormat
  let size: Size
  private let bytes: [UInt8]

  /// Reads the file at `path`, which may hold at most `limit` bytes; throws `ImageError`.
  ///
  /// Refuses sides over `ImageFile.maximumSide` and more than `ImageFile.maximumPixels`.
  init(_ path: BytePath, limit: Int = ImageFile.maximumBytes) throws(ImageError) {
    self.path = "\(path)"
    bytes = try PictureBytes.read(path, limit: limit)
    guard let format = PictureFormat(bytes) else { throw .unknownFormat(path: self.path) }
    self.format = format
    size = try Self.headerSize(bytes, format: format, path: self.path)
    guard size.width > 0, size.height > 0, size.width <= ImageFile.maximumSide,
      size.height <= ImageFile.maximumSide,
      size.width * size.height <= ImageFile.maximumPixels
    else {
      throw .damaged(
        path: self.path, format: format.rawValue,
        reason: "expected at most \(ImageFile.maximumSide) pixels a side and "
          + "\(ImageFile.maximumPixels) in all, found \(size)")
    }
  }

  /// Decodes the pixels into `target`, which has room for exactly these; returns the number of
  /// faults in the data that the decoder went on after.
  @discardableResult
  func decode(into target: UnsafeMutableBufferPointer<UInt8>) throws(ImageError) -> Int {
    precondition(target.count == size.valueCount, "\(target.count) values for a picture of \(size)")
    switch format {
    case .pixmap: try PortablePixmap.decode(bytes, path: path, into: target)
    case .bitmap: try BitmapFile.decode(bytes, path: path, into: target)
    case .gif: try GIFFile.decode(bytes, path: path, into: target)
    default:
      return try Self.callShim(bytes, format: format, path: path, size: size, target).warnings
    }
    return 0
  }

  private static func headerSize(
    _ bytes: [UInt8], format: PictureFormat, path: String
  ) throws(ImageError) -> Size {
    switch format {
    case .pixmap: try PortablePixmap.size(bytes, path: path)
    case .bitmap: try BitmapFile.size(bytes, path: path)
    case .gif: try GIFFile.size(bytes, path: path)
    default: try callShim(bytes, format: format, path: path, size: nil, nil).size
    }
  }

  /// Asks the C decoder of `format` for the header, or for pixels where there is a `target`.
  private static func callShim(
    _ bytes: [UInt8], format: PictureFormat, path: String, size: Size?,
    _ target: UnsafeMutableBufferPointer<UInt8>?
  ) throws(ImageError) -> (size: Size, warnings: Int) {
    var picture = fst_picture()
    if let size {
      picture.size = fst_image_size(width: UInt32(size.width), height: UInt32(size.height))
    }
    let status = bytes.withUnsafeBufferPointer { buffer in
      picture.bytes = buffer.baseAddress
      picture.count = buffer.count
      switch format {
      case .png: return fst_png_read(&picture, target?.baseAddress)
      case .jpeg: return fst_jpeg_read(&picture, target?.baseAddress)
      case .webp: return fst_webp_read(&picture, target?.baseAddress)
      case .tiff: return fst_tiff_read(&picture, target?.baseAddress)
      case .pixmap, .bitmap, .gif: preconditionFailure("\(format) is decoded in Swift")
      }
    }
    guard status == 0 else {
      let text = withUnsafeBytes(of: &picture.error) { Array($0.prefix { $0 != 0 }) }
      throw .damaged(
        path: path, format: format.rawValue, reason: BytePath(bytes: text).description)
    }
    return (
      Size(width: Int(picture.size.width), height: Int(picture.size.height)), Int(picture.warnings)
    )
  }
}
