/// What stands before the pixels of a bitmap file.
struct BitmapHeader {
  enum Packing {
    case none, runs, masks
  }

  /// The bits of a pixel that hold one colour.
  struct Mask {
    private let bits: UInt32
    private let shift: UInt32
    private let largest: UInt32

    init(_ bits: UInt32) {
      self.bits = bits
      shift = bits == 0 ? 0 : UInt32(bits.trailingZeroBitCount)
      largest = max(bits >> shift, 1)
    }

    /// The colour in `pixel`, scaled to 0...255.
    func level(of pixel: UInt32) -> UInt8 {
      UInt8(truncatingIfNeeded: UInt64((pixel & bits) >> shift) * 255 / UInt64(largest))
    }
  }

  let size: Picture.Size
  let isTopDown: Bool
  let bits: Int
  let packing: Packing
  /// Red, green and blue of a pixel of 16 bits or more.
  let masks: [Mask]
  /// Where the pixels begin.
  let pixelStart: Int
  private let paletteStart: Int
  private let paletteCount: Int
  private let paletteStride: Int

  private static let sizes: Set<Int> = [12, 40, 52, 56, 64, 108, 124]

  init(_ file: PictureReader) throws(ImageError) {
    let headerSize = try file.long(14)
    guard Self.sizes.contains(headerSize) else {
      throw file.error("expected a header of 12, 40 or 124 bytes, found \(headerSize)")
    }
    let isOld = headerSize == 12
    let height = isOld ? try file.short(20) : Int(Int32(truncatingIfNeeded: try file.long(22)))
    isTopDown = height < 0
    size = Picture.Size(
      width: isOld ? try file.short(18) : try file.long(18), height: abs(height))
    bits = try file.short(isOld ? 24 : 28)
    let compression = isOld ? 0 : try file.long(30)
    packing = try Self.packing(compression, bits: bits, file)
    let isInNeedOfMasks = packing == .masks
    masks = try Self.masks(bits: bits, isGiven: isInNeedOfMasks, file)
    pixelStart = try file.long(10)
    paletteStart = 14 + headerSize + (isInNeedOfMasks && headerSize == 40 ? 12 : 0)
    paletteStride = isOld ? 3 : 4
    let count = isOld ? 0 : try file.long(46)
    paletteCount = bits > 8 ? 0 : count == 0 ? 1 << bits : min(count, 256)
  }

  private static func packing(
    _ compression: Int, bits: Int, _ file: PictureReader
  ) throws(ImageError) -> Packing {
    switch (compression, bits) {
    case (0, 1), (0, 4), (0, 8), (0, 16), (0, 24), (0, 32): return .none
    case (1, 8), (2, 4): return .runs
    case (3, 16), (3, 24), (3, 32): return .masks
    default:
      throw file.error("\(bits) bits a pixel packed in way \(compression) are not read")
    }
  }

  private static func masks(
    bits: Int, isGiven: Bool, _ file: PictureReader
  ) throws(ImageError) -> [Mask] {
    if isGiven {
      return [
        Mask(UInt32(try file.long(54))), Mask(UInt32(try file.long(58))),
        Mask(UInt32(try file.long(62))),
      ]
    }
    return bits == 16
      ? [Mask(0x7C00), Mask(0x3E0), Mask(0x1F)] : [Mask(0xFF_0000), Mask(0xFF00), Mask(0xFF)]
  }

  /// The colours that pixels of up to 8 bits are places of.
  func palette(_ file: PictureReader) throws(ImageError) -> PicturePalette {
    var palette = PicturePalette()
    for index in 0..<paletteCount {
      let place = paletteStart + index * paletteStride
      for channel in 0..<3 {
        palette.values[index * 3 + channel] = try file.byte(place + 2 - channel)
      }
    }
    return palette
  }
}

/// The colours that a picture's pixels are places of: a ramp of greys until they are set.
struct PicturePalette {
  /// Red, green and blue: [256, 3].
  var values: [UInt8] = (0..<768).map { UInt8($0 / 3) }

  /// Writes colour `index` at `place` of `target`.
  @inline(__always)
  func put(_ index: UInt8, at place: Int, _ target: UnsafeMutableBufferPointer<UInt8>) {
    for channel in 0..<3 { target[place + channel] = values[Int(index) * 3 + channel] }
  }
}

/// A picture's file as numbers whose lowest byte comes first; reading past its end is an error.
struct PictureReader {
  let bytes: [UInt8]
  private let format: PictureFormat
  private let path: String

  init(_ bytes: [UInt8], format: PictureFormat, path: String) {
    self.bytes = bytes
    self.format = format
    self.path = path
  }

  func error(_ reason: String) -> ImageError {
    .damaged(path: path, format: format.rawValue, reason: reason)
  }

  func byte(_ place: Int) throws(ImageError) -> UInt8 {
    guard place < bytes.count else { throw error("the file is truncated") }
    return bytes[place]
  }

  /// Two bytes.
  func short(_ place: Int) throws(ImageError) -> Int {
    Int(try byte(place)) | Int(try byte(place + 1)) << 8
  }

  /// Four bytes.
  func long(_ place: Int) throws(ImageError) -> Int {
    try short(place) | (try short(place + 2)) << 16
  }
}
