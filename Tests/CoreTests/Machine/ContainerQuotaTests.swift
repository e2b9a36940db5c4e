import Core
import Testing

/// Quotas read from files as kernels and containers have them.
@Suite struct ContainerQuotaTests {
  private static let version2 = "31 23 0:41 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw\n"
  private static let version1 =
    "33 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    + "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"

  private func quota(_ mounts: String, _ group: String, _ files: [String: String]) -> Double? {
    var all = files
    all["/proc/self/mountinfo"] = mounts
    all["/proc/self/cgroup"] = group
    return Processors.quota { all[$0] }
  }

  @Test(
    arguments: [
      ("200000 100000", 2.0), ("150000 100000\n", 1.5), ("5000 100000\n", 0.05),
      ("max 100000\n", nil),
      ("", nil), ("0 100000", nil), ("100000", nil), ("100000 0", nil), ("-1 -1", nil),
      ("x y", nil),
      ("99999999999999999999 1", nil),
    ] as [(String, Double?)])
  func version2IsOneFile(text: String, expected: Double?) {
    #expect(quota(Self.version2, "0::/\n", ["/sys/fs/cgroup/cpu.max": text]) == expected)
  }

  @Test func theLeastOnTheWayUpCounts() {
    let root = "/sys/fs/cgroup"
    let files = [
      "\(root)/a/cpu.max": "300000 100000", "\(root)/a/b/cpu.max": "max 100000",
      "\(root)/a/b/c/cpu.max": "400000 100000", "\(root)/other/cpu.max": "100000 100000",
    ]
    #expect(quota(Self.version2, "0::/a/b/c\n", files) == 3)
    #expect(quota(Self.version2, "0::/a/b\n", files) == 3)
    #expect(quota(Self.version2, "0::/x\n", files) == nil)
  }

  @Test(
    arguments: [("250000\n", "100000\n", 2.5), ("-1\n", "100000\n", nil)]
      as [(
        String, String, Double?
      )])
  func version1IsTwoFiles(quota text: String, period: String, expected: Double?) {
    let folder = "/sys/fs/cgroup/cpu,cpuacct/job"
    let files = ["\(folder)/cpu.cfs_quota_us": text, "\(folder)/cpu.cfs_period_us": period]
    let groups = "5:memory:/else\n4:cpu,cpuacct:/job\n0::/none\n"
    #expect(quota(Self.version1, groups, files) == expected)
  }

  @Test func aContainerSeesItsOwnGroupAsTheRoot() {
    let mount = "9 8 0:2 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
    let files = ["/sys/fs/cgroup/cpu.max": "100000 100000"]
    #expect(quota(mount, "0::/docker/ab\n", files) == 1)
    #expect(quota(mount, "0::/\n", files) == 1)
    #expect(quota(mount, "0::/../other\n", files) == 1)
  }

  @Test func bothVersionsAtOnceGiveTheLess() {
    let files = [
      "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "400000",
      "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
      "/u/cpu.max": "300000 100000",
    ]
    let mounts = Self.version1 + "41 31 0:38 / /u rw - cgroup2 cgroup2 rw\n"
    #expect(quota(mounts, "4:cpu,cpuacct:/\n0::/\n", files) == 3)
  }

  @Test func withoutControlGroupsThereIsNoQuota() {
    #expect(quota("", "", [:]) == nil)
    #expect(quota("nonsense\n- - -\n", "a:b\n::::\n", [:]) == nil)
    #expect(Processors.quota { _ in nil } == nil)
  }
}
