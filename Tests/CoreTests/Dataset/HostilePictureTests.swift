import Core
import Foundation
import Testing

/// A PNG made of `chunks` whose claimed length may differ from what they hold.
private func png(_ chunks: [(kind: String, claimed: Int?, body: [UInt8])]) -> [UInt8] {
  var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10]
  for chunk in chunks {
    let content = Array(chunk.kind.utf8) + chunk.body
    bytes += bigEndian(chunk.claimed ?? chunk.body.count) + content + bigEndian(checksum(content))
  }
  return bytes
}

private func bigEndian(_ value: Int) -> [UInt8] {
  (0..<4).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}

/// CRC-32.
private func checksum(_ bytes: [UInt8]) -> Int {
  var value: UInt32 = 0xFFFF_FFFF
  for byte in bytes {
    value ^= UInt32(byte)
    for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
  }
  return Int(value ^ 0xFFFF_FFFF)
}

private func header(width: Int, height: Int) -> (kind: String, claimed: Int?, body: [UInt8]) {
  ("IHDR", nil, bigEndian(width) + bigEndian(height) + [8, 0, 0, 0, 0])
}

/// A grey progressive JPEG of `side` pixels, whose scans after the first hold nothing.
private func progressiveJPEG(side: Int, scans: Int) -> [UInt8] {
  func segment(_ kind: UInt8, _ body: [UInt8]) -> [UInt8] {
    [0xFF, kind] + bigEndian(body.count + 2).suffix(2) + body
  }
  let oneCode = [UInt8](repeating: 0, count: 15) + [0]
  let blocks = ((side + 7) / 8) * ((side + 7) / 8)
  let zeros = [UInt8](repeating: 0, count: (blocks + 7) / 8)
  var bytes: [UInt8] = [0xFF, 0xD8] + segment(0xDB, [0] + [UInt8](repeating: 1, count: 64))
  let size = bigEndian(side).suffix(2)
  bytes += segment(0xC2, [8] + size + size + [1, 1, 0x11, 0])
  bytes += segment(0xC4, [0x00, 1] + oneCode) + segment(0xC4, [0x10, 1] + oneCode)
  bytes += segment(0xDA, [1, 1, 0, 0, 0, 0]) + zeros
  for _ in 1..<scans { bytes += segment(0xDA, [1, 1, 0, 1, 63, 0]) + zeros }
  return bytes + [0xFF, 0xD9]
}

/// Reads `bytes` as a file and returns the error's line.
private func refusal(_ bytes: [UInt8]) throws -> String {
  let scratch = try DataScratch()
  let path = try scratch.write(bytes, to: "picture")
  let error = #expect(throws: ImageError.self) { try ImageFile.read(path) }
  return (error?.description ?? "").replacingOccurrences(of: path, with: "picture")
}

/// The most memory that this process has held at once, in bytes.
private func peakMemory() -> Int {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return usage.ru_maxrss * 1024
}

@Suite(.serialized) struct HostilePictureTests {
  @Test(arguments: ["zTXt", "iTXt", "iCCP", "tEXt", "IDAT", "PLTE", "quUx"])
  func aChunkLongerThanTheFileIsRefusedBeforeMemoryIsTaken(kind: String) throws {
    let before = peakMemory()
    let file = png([header(width: 8, height: 8), (kind, 1 << 30, [1, 2, 3])])
    let text = try refusal(file)
    #expect(text.contains("a chunk at byte 33 claims 1073741824 bytes"), "\(text)")
    #expect(peakMemory() - before < 100 << 20)
  }

  @Test func pngTextIsNotUnpacked() throws {
    // A scanline of zeros each: 9 bytes; stored, not packed.
    let rows = [UInt8](repeating: 0, count: 72)
    let sum: [UInt8] = [0, 72, 0, 1]  // Adler-32 of 72 zeros
    let data: [UInt8] = [0x78, 1, 1, 72, 0, 183, 255] + rows + sum
    let scratch = try DataScratch()
    let path = try scratch.write(
      png([
        header(width: 8, height: 8), ("zTXt", nil, Array("key".utf8) + [0, 0, 9, 9, 9]),
        ("iCCP", nil, Array("name".utf8) + [0, 0, 9, 9]), ("IDAT", nil, data), ("IEND", nil, []),
      ]), to: "text.png")
    #expect(try ImageFile.read(path).pixels == [UInt8](repeating: 0, count: 192))
  }

  @Test func moreThanTheLimitOfPixelsIsRefusedByTheHeader() throws {
    let before = peakMemory()
    let sizes = [(8192, 8192), (16_384, 4096), (65_535, 1), (1 << 30, 1 << 30)]
    for (width, height) in sizes {
      let text = try refusal(png([header(width: width, height: height), ("IDAT", nil, [])]))
      #expect(text.hasSuffix("found \(width)x\(height)"), "\(text)")
    }
    #expect(try refusal(progressiveJPEG(side: 6000, scans: 1)).hasSuffix("found 6000x6000"))
    #expect(try refusal(Array("P3 9000 9000 255 0".utf8)).hasSuffix("found 9000x9000"))
    let gif = Array("GIF89a".utf8) + [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0x2C]
    #expect(
      try refusal(gif + [0, 0, 0, 0, 9, 0, 9, 0, 0, 2, 0]).hasSuffix("found 65535x65535"))
    let bitmap = Array("BM".utf8) + [UInt8](repeating: 0, count: 12) + [40, 0, 0, 0]
    let large: [UInt8] = [0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0, 0, 1, 0, 24, 0]
    #expect(
      try refusal(bitmap + large + [UInt8](repeating: 0, count: 24)).hasSuffix("found 65535x65535"))
    #expect(peakMemory() - before < 100 << 20)
  }

  @Test func aJPEGOfMoreThanAHundredScansIsRefused() throws {
    let scratch = try DataScratch()
    let path = try scratch.write(progressiveJPEG(side: 8, scans: 50), to: "50.jpg")
    #expect(try ImageFile.read(path).pixels == [UInt8](repeating: 128, count: 192))
    #expect(try refusal(progressiveJPEG(side: 8, scans: 102)).contains("more than 100 scans"))
    #expect(
      try refusal(progressiveJPEG(side: 5792, scans: 100)).contains("too many scans for its size"))
  }

  @Test func pipesDevicesAndFoldersAreRefusedAtOnce() throws {
    let scratch = try DataScratch()
    mkfifo("\(scratch.path)/pipe.png", 0o600)
    for path in ["\(scratch.path)/pipe.png", "/dev/zero", scratch.path] {
      let error = #expect(throws: ImageError.self) { try ImageFile.read(path) }
      #expect(error?.description.contains("regular file") == true)
    }
  }

  @Test func aGIFThatReturnsToItselfEnds() throws {
    // Extensions without an end, then a code that stands for nothing.
    let start = Array("GIF89a".utf8) + [8, 0, 8, 0, 0, 0, 0]
    #expect(try refusal(start + [0x21, 0xFE, 255, 1, 2]).contains("truncated"))
    let picture: [UInt8] = [0x2C, 0, 0, 0, 0, 8, 0, 8, 0, 0, 2, 1, 0b0011_1100, 0, 0x3B]
    #expect(try refusal(start + picture).contains("code 7 stands for nothing"))
  }
}
