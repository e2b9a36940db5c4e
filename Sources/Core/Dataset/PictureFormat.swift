import ImageShim

/// The formats of pictures that are read, told apart by their first bytes.
enum PictureFormat: String, CaseIterable, Sendable {
  case png = "PNG"
  case jpeg = "JPEG"
  case pixmap = "PPM"
  case bitmap = "BMP"
  case webp = "WebP"
  case tiff = "TIFF"
  case gif = "GIF"

  /// Their names, as messages list them.
  static let list =
    allCases.dropLast().map(\.rawValue).joined(separator: ", ")
    + " or \(PictureFormat.gif.rawValue)"

  /// The ends of names that pictures have in a folder, in lower case.
  static let suffixes: Set<String> = [
    "png", "jpg", "jpeg", "jpe", "jfif", "ppm", "pgm", "pbm", "pnm", "bmp", "webp", "tif", "tiff",
    "gif",
  ]

  /// As many bytes as tell the formats apart.
  static let signatureSize = 12

  /// The format of a file that begins with `bytes`; nil where it is none of these.
  init?(_ bytes: some Collection<UInt8>) {
    let start = Array(bytes.prefix(Self.signatureSize))
    func begins(_ text: String) -> Bool { start.starts(with: text.utf8) }
    if start.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
      self = .png
    } else if start.starts(with: [0xFF, 0xD8]) {
      self = .jpeg
    } else if begins("P"), start.count > 2, (49...54).contains(start[1]),
      PortablePixmap.isBlank(start[2]) || start[2] == UInt8(ascii: "#")
    {
      self = .pixmap
    } else if begins("BM") {
      self = .bitmap
    } else if begins("RIFF"), start.dropFirst(8).elementsEqual("WEBP".utf8) {
      self = .webp
    } else if begins("GIF87a") || begins("GIF89a") {
      self = .gif
    } else if start.starts(with: [0x49, 0x49, 0x2A, 0])
      || start.starts(with: [0x4D, 0x4D, 0, 0x2A])
      || start.starts(with: [0x49, 0x49, 0x2B, 0]) || start.starts(with: [0x4D, 0x4D, 0, 0x2B])
    {
      self = .tiff
    } else {
      return nil
    }
  }
}
