import Foundation
import MPIShim

/// Sees to it that a launcher ends after this process has.
///
/// Note [Launcher that hangs]: when a link is cut and a rank ends, mpirun tells all its daemons to
/// end and waits for the one it cannot reach: eight minutes by default, and the daemon over there
/// waits as long. Nobody but a process beside it can end either. So a rank that ends since others
/// are gone leaves a small shell behind, which gives its launcher (mpirun on the first host, a
/// daemon of OpenMPI elsewhere) some seconds to end by itself, and then kills it: at SIGTERM, mpirun
/// 4.1 crashes in this state with a page of output.
public enum LauncherEnd {
  /// Seconds that a launcher has: ending all ranks in good order takes it three to four.
  static let patience = 5

  /// Leaves the shell behind, where this process's parent is OpenMPI's; otherwise does nothing.
  public static func expect() {
    let parent = getppid()
    guard let begun = startTime(of: parent), isLauncher(parent) else { return }
    // A process is known by its number and its start time together; $1 and $2.
    let script = """
      sleep \(patience)
      same() { [ "$(sed 's/.*) //' "/proc/$1/stat" 2> /dev/null | cut -d ' ' -f 20)" = "$2" ]; }
      same "$1" "$2" && kill -KILL "$1"
      """
    spawn(["/bin/sh", "-c", script, "sh", "\(parent)", begun])
  }

  private static func isLauncher(_ process: pid_t) -> Bool {
    let name = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
    let known = ["mpirun", "mpiexec", "orterun", "orted", "prterun", "prted"]
    return known.contains(name?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "")
  }

  /// When `process` was started, in ticks since the machine was; nil where there is none.
  static func startTime(of process: pid_t) -> String? {
    guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let end = stat.lastIndex(of: ")")
    else { return nil }
    let fields = stat[end...].split(separator: " ")
    return fields.count > 20 ? String(fields[20]) : nil
  }

  /// Starts `words`, in a session of its own and with none of this process's files open, on whose
  /// closing the launcher waits.
  private static func spawn(_ words: [String]) {
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
    defer { arguments.forEach { free($0) } }
    arguments.append(nil)
    _ = fst_spawn_detached(words[0], arguments)
  }
}
