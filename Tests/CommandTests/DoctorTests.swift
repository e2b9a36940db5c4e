import Foundation
import TestSupport
import Testing

/// `fst doctor` alone and under mpirun; serialized, since it measures with all cores.
@Suite(.serialized) struct DoctorTests {
  private let program = TinyDataset.program

  @Test func aloneItTellsOfThisMachineWithoutMPI() throws {
    let output = try RunProcess.run(
      program, ["doctor", "--threads", "1"], environment: ["PATH": "", "SLURM_JOB_ID": "1"])
    #expect(output.exitCode == 0, "\(output.standardError)")
    for row in ["fst ", "MPI           not started: no launcher", "OpenBLAS ", "rank  host"] {
      #expect(output.outputLines.contains { $0.hasPrefix(row) }, "\(row): \(output.outputLines)")
    }
    #expect(!output.standardOutput.contains("all-reduce"))
  }

  @Test func underMpirunItTellsOfAllRanksAndTheirLinks() throws {
    let output = try RunProcess.mpirun(2, program, ["doctor", "--threads", "1"])
    #expect(output.exitCode == 0, "\(output.standardError)")
    for row in [
      "MPI           Open MPI", "0     ", "1     ", "0 (", "all-reduce    44.7 MB over 2",
    ] {
      #expect(output.outputLines.contains { $0.hasPrefix(row) }, "\(row): \(output.outputLines)")
    }
    #expect(output.standardOutput.contains("the same on all 2 ranks"))
    #expect(output.outputLines.filter { $0.hasPrefix("rank ") }.count == 1)
  }

  @Test(arguments: [1, 2]) func theJSONHasTheSameFacts(ranks: Int) throws {
    let tiny = try TinyDataset()
    let arguments = [
      "doctor", "--json", "--threads", "1", "--record", tiny.record, "--dataset_path",
      "\(tiny.folder)/data",
    ]
    let output =
      ranks == 1
      ? try RunProcess.run(program, arguments) : try RunProcess.mpirun(ranks, program, arguments)
    #expect(output.exitCode == 0, "\(output.standardError)")
    let json = try #require(output.lastJSON)
    let found = try #require(json["ranks"] as? [[String: Any]])
    #expect(found.compactMap { $0["rank"] as? Int } == Array(0..<ranks))
    for rank in found {
      #expect(rank["threads"] as? Int == 1)
      #expect(rank["build"] as? String == found[0]["build"] as? String)
      #expect((rank["usable_cores"] as? [Int])?.isEmpty == false)
      for key in ["sees_record", "writes_record", "sees_data"] {
        #expect(rank[key] as? Bool == true, "\(key)")
      }
      for key in ["host", "processor", "open_blas", "open_blas_core"] {
        #expect((rank[key] as? String)?.isEmpty == false, "\(key)")
      }
    }
    let pairs = try #require(json["pairs"] as? [[String: Any]])
    #expect(pairs.count == ranks - 1)
    for pair in pairs { #expect((pair["bytes_per_second"] as? Double ?? 0) > 0) }
    #expect((json["all_reduce"] as? [String: Any] != nil) == (ranks > 1))
    #expect(json["problems"] as? [[String: String]] != nil)
    let left = try FileManager.default.contentsOfDirectory(atPath: tiny.folder)
    #expect(left == ["data"])
  }

  @Test(arguments: [1, 2]) func aMissingDataFolderIsBroken(ranks: Int) throws {
    let arguments = ["doctor", "--threads", "1", "--dataset_path", "/nowhere/at/all"]
    let output =
      ranks == 1
      ? try RunProcess.run(program, arguments) : try RunProcess.mpirun(ranks, program, arguments)
    #expect(output.exitCode == 1)
    let said = output.outputLines.filter { $0.hasPrefix("broken: ") }
    #expect(said.count == 1 && said[0].contains("/nowhere/at/all"), "\(said)")
  }

  @Test func moreThreadsThanCoresIsAWarningAndNoFailure() throws {
    let output = try RunProcess.run(program, ["doctor", "--threads", "1000"])
    #expect(output.exitCode == 0)
    #expect(output.outputLines.contains { $0.hasPrefix("warning: rank 0 (") })
  }

  @Test func anotherBuildOnARankIsBroken() throws {
    let other = "\(FileManager.default.temporaryDirectory.path)/fst-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: other) }
    try FileManager.default.copyItem(atPath: program, toPath: other)
    let file = try #require(FileHandle(forWritingAtPath: other))
    try file.seekToEnd()
    try file.write(contentsOf: Data("another build".utf8))
    try file.close()
    let output = try RunProcess.run(
      "/usr/bin/env",
      RunProcess.mpirunCommand(1) + [program, "doctor", ":", "-np", "1", other, "doctor"])
    #expect(output.exitCode == 1)
    #expect(output.outputLines.contains { $0.hasPrefix("broken: rank 1 (") })
  }
}
