import Foundation

/// What a finished program left: its exit status and all it wrote.
public struct ProcessOutput: Sendable {
  /// The exit status; 128 + the signal's number where a signal ended the program.
  public let exitCode: Int32
  /// Everything written to standard output.
  public let standardOutput: String
  /// Everything written to standard error.
  public let standardError: String
  /// Whether the program was killed because its time was over.
  public let timedOut: Bool

  /// The non-empty lines of standard output.
  public var outputLines: [String] { standardOutput.split(separator: "\n").map(String.init) }
  /// The non-empty lines of standard error.
  public var errorLines: [String] { standardError.split(separator: "\n").map(String.init) }
  /// The last line of standard output read as one JSON object, or nil.
  public var lastJSON: [String: Any]? {
    guard let line = outputLines.last else { return nil }
    return (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any]
  }
}

/// A program started by a test; it owns the child process and the two files its output goes to.
///
/// Files rather than pipes: a child that writes much never blocks, and a grandchild that outlives
/// its parent cannot keep the test waiting for the end of a pipe.
public final class RunningProcess {
  private let process = Process()
  private let ended = DispatchSemaphore(value: 0)
  private let folder: URL

  /// Starts `path` with `arguments`, its standard input empty.
  ///
  /// `environment` is laid over this process's variables; a nil value removes one.
  public init(
    _ path: String, _ arguments: [String], environment: [String: String?] = [:],
    currentFolder: String? = nil
  ) throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("run-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var variables = ProcessInfo.processInfo.environment
    for (name, value) in environment { variables[name] = value }
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = variables
    if let currentFolder {
      process.currentDirectoryURL = URL(fileURLWithPath: currentFolder, isDirectory: true)
    }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try Self.emptyFile(folder.appendingPathComponent("stdout"))
    process.standardError = try Self.emptyFile(folder.appendingPathComponent("stderr"))
    let ended = self.ended
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    try? FileManager.default.removeItem(at: folder)
  }

  private static func emptyFile(_ url: URL) throws -> FileHandle {
    try Data().write(to: url)
    return try FileHandle(forWritingTo: url)
  }

  /// Whether the program has not ended yet.
  public var isRunning: Bool { process.isRunning }

  /// What standard output holds so far.
  public var outputSoFar: String { text("stdout") }

  /// What standard error holds so far.
  public var errorSoFar: String { text("stderr") }

  /// Sends a signal to the program.
  public func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// Waits for the end, at most `timeout` seconds from now; then the program is killed.
  public func wait(timeout: Double = RunProcess.hangLimit) -> ProcessOutput {
    let timedOut = ended.wait(timeout: .now() + timeout) == .timedOut
    if timedOut {
      send(SIGKILL)
      ended.wait()
    }
    ended.signal()  // so that a second wait returns at once
    let bySignal = process.terminationReason == .uncaughtSignal
    return ProcessOutput(
      exitCode: process.terminationStatus + (bySignal ? 128 : 0), standardOutput: text("stdout"),
      standardError: text("stderr"), timedOut: timedOut)
  }

  private func text(_ name: String) -> String {
    let data = try? Data(contentsOf: folder.appendingPathComponent(name))
    return String(decoding: data ?? Data(), as: UTF8.self)
  }
}

/// Runs programs from tests: our own products, alone or under mpirun.
public enum RunProcess {
  /// Seconds after which what has not ended is taken to hang: it says nothing of speed, since many
  /// tests share the machine.
  public static let hangLimit = 300.0

  /// Runs `path` to its end, at most `timeout` seconds.
  public static func run(
    _ path: String, _ arguments: [String], environment: [String: String?] = [:],
    currentFolder: String? = nil, timeout: Double = hangLimit
  ) throws -> ProcessOutput {
    try RunningProcess(
      path, arguments, environment: environment, currentFolder: currentFolder
    ).wait(timeout: timeout)
  }

  /// Runs `path` on `ranks` ranks of this machine, at most `timeout` seconds.
  public static func mpirun(
    _ ranks: Int, _ path: String, _ arguments: [String], environment: [String: String?] = [:],
    currentFolder: String? = nil, timeout: Double = hangLimit
  ) throws -> ProcessOutput {
    try run(
      "/usr/bin/env", mpirunCommand(ranks) + [path] + arguments, environment: environment,
      currentFolder: currentFolder, timeout: timeout)
  }

  /// The mpirun command with what tests need: root in a container, more ranks than cores, no
  /// binding.
  public static func mpirunCommand(_ ranks: Int) -> [String] {
    ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-np", "\(ranks)"]
  }

  /// Runs a Python script of the repository's `scripts` to its end, at most `timeout` seconds.
  public static func script(
    _ name: String, _ arguments: [String], timeout: Double = hangLimit
  ) throws -> ProcessOutput {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../scripts/\(name)").standardizedFileURL.path
    return try run("/usr/bin/env", ["python3", path] + arguments, timeout: timeout)
  }

  /// The path of a program built beside the running tests, for example `fst`.
  public static func product(_ name: String) -> String {
    let tests = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
    return tests.deletingLastPathComponent().appendingPathComponent(name).path
  }
}
