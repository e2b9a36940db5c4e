import Foundation

/// The processors that this process may use: its affinity mask, and what a container may take of
/// them.
package struct Processors: Equatable, Sendable {
  /// The host's processors.
  package var online: Int
  /// The numbers of those that this process may run on, by its affinity mask.
  package var allowed: [Int]
  /// Those that the process which started this one may run on; empty where that is not known.
  package var parentAllowed: [Int]
  /// Processors' worth of time that the container's quota grants; nil without a quota.
  package var quota: Double?

  /// Processors found some other way.
  package init(online: Int, allowed: [Int], parentAllowed: [Int] = [], quota: Double? = nil) {
    (self.online, self.allowed) = (online, allowed)
    (self.parentAllowed, self.quota) = (parentAllowed, quota)
  }

  /// How many threads can run at once: the mask's, at most the quota rounded up.
  package var usable: Int {
    let mask = max(allowed.count, 1)
    guard let quota, quota < Double(mask) else { return mask }
    return max(Int(quota.rounded(.up)), 1)
  }

  /// Whether a launcher gave this rank processors of its own: it says so, or has more itself.
  ///
  /// A smaller mask than the host's alone says nothing: a batch job that gets 4 of 64 processors
  /// has one too, and all its ranks share them.
  package func areOwn(_ environment: [String: String]) -> Bool {
    if environment["OMPI_MCA_orte_bound_at_launch"] != nil { return true }
    let binding = environment["SLURM_CPU_BIND_TYPE"] ?? ""
    if environment["OMPI_COMM_WORLD_SIZE"] == nil, binding.contains("mask_cpu") { return true }
    return allowed.count < parentAllowed.count
  }

  /// Those of this process, now.
  package static var current: Processors {
    let online = max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1)
    let own = mask(of: "self")
    return Processors(
      online: online, allowed: own.isEmpty ? Array(0..<online) : own,
      parentAllowed: mask(of: "\(getppid())"), quota: quota(reading: text))
  }

  /// The quota by files that `read` gives the text of.
  package static func quota(reading read: (String) -> String?) -> Double? {
    ContainerQuota.processors(reading: read)
  }

  private static func text(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The mask of a process, as the kernel lists it; empty where it does not.
  private static func mask(of process: String) -> [Int] {
    let key = "Cpus_allowed_list:"
    let lines = (text("/proc/\(process)/status") ?? "").split(separator: "\n")
    guard let line = lines.first(where: { $0.hasPrefix(key) }) else { return [] }
    return numbers(line.dropFirst(key.count))
  }

  /// The numbers of a list such as `0-3,8`.
  package static func numbers(_ list: some StringProtocol) -> [Int] {
    list.split(separator: ",").flatMap { part -> [Int] in
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map {
        Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1
      }
      guard let first = ends.first, let last = ends.last, 0 <= first, first <= last, last < 1 << 16
      else { return [] }
      return Array(first...last)
    }
  }
}
