import COpenBLAS
import Distributed
import Foundation

/// What one rank finds where it runs; travels between ranks and into reports as JSON.
public struct RankFacts: Codable, Equatable, Sendable {
  /// The rank.
  public var rank = 0
  /// Its host, as MPI knows it.
  public var host = ""
  /// The host's cores.
  public var cores = 0
  /// The cores that this process may run on.
  public var usableCores: [Int] = []
  /// Cores' worth of time that the container's quota grants; nil without a quota.
  public var quota: Double?
  /// Whether its launcher gave it these cores for itself.
  public var isBound = false
  /// Threads that a run would compute with.
  public var threads = 0
  /// The host's memory and what of it is free, in bytes.
  public var memoryBytes = 0, freeMemoryBytes = 0
  /// The processor's name.
  public var processor = ""
  /// Of AVX2, FMA, AVX-512 and AVX512-VNNI (or NEON) those that the processor has.
  public var vectorUnits: [String] = []
  /// The checksum of the program's file, hexadecimal; empty where it cannot be read.
  public var build = ""
  /// The MPI library; nil where MPI is not started.
  public var mpi: String?
  /// What is wrong where a launcher started several processes and this one is alone.
  public var unjoined: String?
  /// How messages on a host are copied where ranks may not read each other's memory, by OpenMPI's
  /// setting for it; nil where they may.
  public var copyMechanism: String?
  /// OpenBLAS's version and build, the kernels it took for this processor, and its threads.
  public var openBLAS = "", openBLASCore = ""
  /// Threads that OpenBLAS would use by itself; the program sets one.
  public var openBLASThreads = 0
  /// What this host's time of day is ahead of rank 0's, and by how much that may be wrong; seconds.
  public var clockAhead = 0.0, clockError = 0.0
  /// Whether the file that rank 0 wrote to the folder of records is seen; nil where not asked.
  public var seesRecord: Bool?
  /// Whether that folder can be written to.
  public var writesRecord: Bool?
  /// Whether the folder of the data is there; nil where not asked.
  public var seesData: Bool?

  /// Nothing known yet.
  public init() {}

  /// Where this process may compute, and with how many threads.
  static func place(threads: Int?) -> RankFacts {
    let environment = ProcessInfo.processInfo.environment
    let processors = Processors.current
    var facts = RankFacts()
    (facts.cores, facts.usableCores) = (processors.online, processors.allowed)
    (facts.quota, facts.isBound) = (
      processors.quota, MPIEnvironment.isLaunched(environment) && processors.areOwn(environment)
    )
    facts.threads = ThreadCount.resolve(
      requested: threads, environment: environment, processors: processors)
    return facts
  }

  /// What this process finds without talking to others.
  static func local(threads: Int?) -> RankFacts {
    var facts = place(threads: threads)
    if !MPIEnvironment.mayReadRanks {
      let variables = ProcessInfo.processInfo.environment
      facts.copyMechanism = variables[MPIEnvironment.singleCopyVariable] ?? "not set"
    }
    let memory = table("/proc/meminfo")
    facts.memoryBytes = Int(ProcessInfo.processInfo.physicalMemory)
    facts.freeMemoryBytes = kibibytes(memory["MemAvailable"]) ?? 0
    let processor = table("/proc/cpuinfo")
    facts.processor = processor["model name"] ?? "unknown"
    let flags = Set((processor["flags"] ?? processor["Features"] ?? "").split(separator: " "))
    facts.vectorUnits = [
      ("AVX2", "avx2"), ("FMA", "fma"), ("AVX-512", "avx512f"), ("AVX512-VNNI", "avx512_vnni"),
      ("NEON", "asimd"),
    ]
    .filter { flags.contains(Substring($0.1)) }.map(\.0)
    facts.build = Build.checksum.map { String($0, radix: 16) } ?? ""
    facts.openBLAS = text(openblas_get_config())
    facts.openBLASCore = text(openblas_get_corename())
    facts.openBLASThreads = Int(openblas_get_num_threads())
    return facts
  }

  private static func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String {
    pointer.map { String(cString: $0).trimmingCharacters(in: .whitespaces) } ?? "unknown"
  }

  /// The first value of each key in a file of lines `key: value`.
  private static func table(_ path: String) -> [String: String] {
    let content = FileManager.default.contents(atPath: path) ?? Data()
    var result: [String: String] = [:]
    for line in String(decoding: content, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let key = parts[0].trimmingCharacters(in: .whitespaces)
      if result[key] == nil { result[key] = parts[1].trimmingCharacters(in: .whitespaces) }
    }
    return result
  }

  private static func kibibytes(_ text: String?) -> Int? {
    text?.split(separator: " ").first.flatMap { Int($0) }.map { $0 * 1024 }
  }
}
