import Core
import Foundation
import Testing

/// What is opened: regular files at once, and for writing only the program's own.
@Suite struct RegularFileTests {
  private func pipe(in scratch: ArchiveScratch) -> String {
    mkfifo(scratch.path("pipe"), 0o600)
    return scratch.path("pipe")
  }

  @Test func pipesDevicesAndFoldersAreRefusedAtOnce() throws {
    let scratch = try ArchiveScratch()
    for path in [pipe(in: scratch), "/dev/zero", scratch.folder] {
      let start = ContinuousClock.now
      for read in Self.readers {
        let error = #expect(throws: (any Error).self, "\(path)") { try read(path) }
        #expect("\(error.map { "\($0)" } ?? "")".contains("not a regular file"))
      }
      #expect(ContinuousClock.now - start < .seconds(5))
    }
  }

  private static let readers: [@Sendable (String) throws -> Void] = [
    { _ = try TorchArchive.read(path: $0) },
    { _ = try AttackDataFrame.read(path: $0) },
    { _ = try NumpyFile.read($0) },
    { _ = try InfoFile.read(path: $0) },
    { _ = try ImageFile.read($0) },
    { _ = try ConfigLayer(yaml: $0) },
  ]

  @Test func aLockThatIsALinkLeavesWhereItLeadsAlone() throws {
    let scratch = try ArchiveScratch()
    let victim = try scratch.file("victim", Array("precious".utf8))
    for (index, link) in [symlink, Glibc.link].enumerated() {
      let folder = scratch.path("run\(index)")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      #expect(link(victim, "\(folder)/.lock") == 0)
      let error = #expect(throws: ForeignFile.self) { try FolderLock(folder) }
      #expect(error?.description.contains("\(folder)/.lock") == true)
      #expect(try scratch.content("victim") == Array("precious".utf8))
    }
    let folder = scratch.path("run3")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    #expect(symlink(scratch.path("new"), "\(folder)/.lock") == 0)
    #expect(throws: ForeignFile.self) { try FolderLock(folder) }
    #expect(!FileManager.default.fileExists(atPath: scratch.path("new")))
  }

  @Test func aLockIsTakenLetGoOfAndTakenAgain() throws {
    let scratch = try ArchiveScratch()
    let lock = try FolderLock(scratch.path("run"))
    #expect(throws: FolderInUse.self) { try FolderLock(scratch.path("run")) }
    lock.release()
    try FolderLock(scratch.path("run")).release()
    #expect(!FileManager.default.fileExists(atPath: scratch.path("run/.lock")))
  }

  @Test func rowsAndLogsFollowNoLink() throws {
    let scratch = try ArchiveScratch()
    let victim = try scratch.file("victim", Array("precious".utf8))
    #expect(symlink(victim, scratch.path("a.csv")) == 0)
    var frame = AttackDataFrame(columns: ["epoch"])
    #expect(throws: ForeignFile.self) { try frame.append([.count(1)], to: scratch.path("a.csv")) }
    #expect(throws: ForeignFile.self) { try RegularFile.openOwn(scratch.path("a.csv"), O_WRONLY) }
    #expect(throws: ForeignFile.self) { try RegularFile.openOwn(pipe(in: scratch), O_RDWR) }
    #expect(try scratch.content("victim") == Array("precious".utf8))
    // A file that is written whole takes the link's place.
    try frame.write(to: scratch.path("a.csv"))
    #expect(try scratch.content("victim") == Array("precious".utf8))
  }
}
