import Foundation

/// What the control groups above this process grant it of the processors' time.
///
/// A container that may take two processors' worth of a host of 64 still sees 64; 64 threads would
/// each be stopped for most of every tenth of a second. Version 2 of control groups says so in
/// `cpu.max`, version 1 in `cpu.cfs_quota_us` and `cpu.cfs_period_us`, each for a group and all
/// below it, so that the least on the way up counts.
enum ContainerQuota {
  /// Processors' worth of time, by files that `read` gives the text of; nil where nothing limits it.
  static func processors(reading read: (String) -> String?) -> Double? {
    let groups = lines(read("/proc/self/cgroup"))
    let mounts = lines(read("/proc/self/mountinfo")).compactMap(Mount.init)
    return mounts.compactMap { mount -> Double? in
      guard let group = groups.lazy.compactMap({ path(in: $0, of: mount) }).first else {
        return nil
      }
      return folders(group, in: mount).compactMap { quota(of: $0, mount, read) }.min()
    }.min()
  }

  /// One line of `mountinfo` that mounts a hierarchy with the processors' controller.
  private struct Mount {
    /// The group that is mounted, and where.
    var root: String, point: String
    var isVersion2: Bool

    /// Nil for any other file system.
    ///
    /// A line is `36 35 0:32 <root> <point> … - <type> <source> <options>`.
    init?(_ line: Substring) {
      let fields = line.split(separator: " ").map(String.init)
      guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else {
        return nil
      }
      (root, point) = (fields[3], fields[4])
      isVersion2 = fields[dash + 1] == "cgroup2"
      let controllers = fields[dash + 3].split(separator: ",")
      guard isVersion2 || fields[dash + 1] == "cgroup" && controllers.contains("cpu") else {
        return nil
      }
    }
  }

  /// The group in a line `<number>:<controllers>:<path>` of `cgroup` if it is of `mount`'s kind.
  private static func path(in line: Substring, of mount: Mount) -> String? {
    let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    let isOfKind =
      mount.isVersion2 ? parts[1].isEmpty : parts[1].split(separator: ",").contains("cpu")
    return isOfKind ? String(parts[2]) : nil
  }

  /// The folders of `group` and of those above it, as far as they are mounted.
  ///
  /// A group outside what is mounted is another container's name for it: the mounted one is then
  /// all there is to see.
  private static func folders(_ group: String, in mount: Mount) -> [String] {
    let (names, root) = (PathText.components(of: group), PathText.components(of: mount.root))
    let below = names.starts(with: root) ? names.dropFirst(root.count) : []
    guard !below.contains("..") else { return [mount.point] }
    return (0...below.count).map { count in
      below.prefix(count).reduce(mount.point) { PathText.join($0, $1) }
    }
  }

  private static func quota(
    of folder: String, _ mount: Mount, _ read: (String) -> String?
  ) -> Double? {
    if mount.isVersion2 {
      let numbers = (read("\(folder)/cpu.max") ?? "").split(whereSeparator: \.isWhitespace)
      return numbers.count == 2 ? ratio(numbers[0], numbers[1]) : nil
    }
    guard let quota = read("\(folder)/cpu.cfs_quota_us"),
      let period = read("\(folder)/cpu.cfs_period_us")
    else { return nil }
    return ratio(
      quota.trimmingCharacters(in: .whitespacesAndNewlines),
      period.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  /// Nil for `max` and -1, which are no limit.
  private static func ratio(_ quota: some StringProtocol, _ period: some StringProtocol) -> Double?
  {
    guard let quota = Int64(quota), let period = Int64(period), quota > 0, period > 0 else {
      return nil
    }
    return Double(quota) / Double(period)
  }

  private static func lines(_ text: String?) -> [Substring] { (text ?? "").split(separator: "\n") }
}
