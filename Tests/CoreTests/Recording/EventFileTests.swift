import Core
import Foundation
import TestSupport
import Testing

/// Event files as TensorBoard expects them, read by a reader of our own.
@Suite struct EventFileTests {
  @Test func theCheckOfCastagnoliHasItsKnownAnswers() {
    #expect(CRC32C.of(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.of([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.of(Array(0..<32)) == 0x46DD_794E)
    #expect(CRC32C.of([]) == 0)
  }

  @Test func aMaskedCheckIsTurnedAndMoved() {
    let sum: UInt32 = 0xE306_9283
    let turned = sum >> 15 | sum << 17
    #expect(CRC32C.masked(Array("123456789".utf8)) == turned &+ 0xA282_EAD8)
  }

  @Test func numbersTakeTheWireFormatsBytes() {
    var message = ProtobufMessage()
    message.add(1, Int64(300))
    message.add(2, "ab")
    message.add(3, Float(1))
    message.add(4, Double(1))
    message.add(16, Int64(-1))
    let ten: [UInt8] = [UInt8](repeating: 0xFF, count: 9) + [1]
    #expect(
      message.bytes == [0x08, 0xAC, 0x02, 0x12, 2, 0x61, 0x62, 0x1D, 0, 0, 0x80, 0x3F]
        + [0x21, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F] + [0x80, 0x01] + ten)
  }

  @Test func aRecordIsFramedByItsLengthAndTwoChecks() throws {
    let record = TensorBoardEvent(time: 1.5, step: 7, .scalars([("loss", 0.25)])).record
    let messages = try EventReader.messages(record)
    let event = try EventReader.fields(try #require(messages.first))
    #expect(event[1] == [.fixed(1.5.bitPattern)])
    #expect(event[2] == [.varint(7)])
    let summary = try EventReader.fields(try #require(event[5]?.first?.bytes))
    let value = try EventReader.fields(try #require(summary[1]?.first?.bytes))
    #expect(value[1]?.first?.text == "loss")
    #expect(value[2] == [.fixed(UInt64(Float(0.25).bitPattern))])
  }

  @Test func anAlteredRecordIsFoundOut() {
    let record = TensorBoardEvent(time: 0, .version).record
    for position in record.indices {
      var altered = record
      altered[position] ^= 1
      #expect(throws: EventReader.Broken.self) { try EventReader.messages(altered) }
    }
  }
}

/// What a recorder makes of a run's events.
@Suite struct TensorBoardRecorderTests {
  private final class Folder: Sendable {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("events-\(UUID().uuidString)").path

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var files: [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    func events() throws -> [[EventReader.Event]] {
      try files.map {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\($0)"))
        return try EventReader.events(Array(bytes))
      }
    }
  }

  private func recorder(_ folder: Folder) throws -> TensorBoardRecorder {
    try TensorBoardRecorder(folder: folder.path + "/a", phases: ["attack sig"]) {
      Issue.record("\($0)")
    }
  }

  private static func rates() -> BackdoorMetrics {
    var metrics = BackdoorMetrics()
    (metrics.cleanCorrect, metrics.cleanTotal) = (3, 4)
    return metrics
  }

  @Test func aFileBeginsWithItsVersionAndIsThereAtOnce() throws {
    let folder = Folder()
    let first = try TensorBoardRecorder(folder: folder.path, phases: []) { _ in }
    let second = try TensorBoardRecorder(folder: folder.path, phases: []) { _ in }
    #expect(folder.files.count == 2)
    for events in try folder.events() {
      #expect(events.map(\.version) == ["brain.Event:2"])
    }
    for name in folder.files { #expect(name.hasPrefix("events.out.tfevents.")) }
    withExtendedLifetime((first, second)) {}
  }

  @Test func ratesBeforeATuningStandAtEpochZeroAndThoseAfterAtTheLast() throws {
    let folder = Folder()
    let recorder = try TensorBoardRecorder(folder: folder.path, phases: []) { _ in }
    recorder.observe(.measured(Self.rates(), .before))
    recorder.observe(.measured(Self.rates(), .after))
    let scalars = try #require(try folder.events().first).dropFirst()
    #expect(scalars.map(\.step) == [0, 1])
    // Rates without images are not there.
    for event in scalars { #expect(event.scalars == ["epoch/clean_accuracy": 0.75]) }
  }

  @Test func aPictureIsAPNGWithItsSides() throws {
    let folder = Folder()
    let recorder = try TensorBoardRecorder(folder: folder.path, phases: []) { _ in }
    let image = RGBImage(pixels: [UInt8](repeating: 9, count: 3 * 2 * 5), width: 5, height: 2)
    recorder.observe(.picture(RunPicture(name: "a trigger", epoch: 3) { image }))
    let event = try #require(try folder.events().first?.last)
    #expect(event.step == 3)
    #expect(event.picture?.tag == "images/a_trigger")
    #expect(event.picture?.sides == [2, 5, 3])
    #expect(event.picture?.png.prefix(4) == [0x89, 0x50, 0x4E, 0x47])
  }

  @Test func aFolderThatCannotBeWrittenToIsRefused() throws {
    let folder = Folder()
    try FileManager.default.createDirectory(
      atPath: folder.path, withIntermediateDirectories: true)
    try Data().write(to: URL(fileURLWithPath: "\(folder.path)/a"))
    #expect(throws: FileError.self) { _ = try self.recorder(folder) }
  }
}
