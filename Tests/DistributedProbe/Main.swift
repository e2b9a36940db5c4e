import CollectiveLaws
import Distributed
import Foundation

/// What the tests run under mpirun: each mode shows one law of the module `Distributed` over MPI.
@main
enum Probe {
  struct Broken: Error, CustomStringConvertible { var description: String }

  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    let mode = arguments.first ?? ""
    let odd = arguments.dropFirst().first.flatMap { Int($0) } ?? 0
    if mode == "chunks" { return chunks() }
    if mode == "slow-end" { return slowEnd(sparing: odd) }
    let before = MPIEnvironment.isInitialized
    let status = MPIEnvironment.run(
      report: { line("fst: \($0)", to: .standardError) }, exitCode: { _ in 7 }
    ) { communicator in
      switch mode {
      case "laws": try laws(communicator)
      case "status": say("MPI \(before) then \(MPIEnvironment.isInitialized)", communicator)
      case "settings": settings(communicator)
      case "fail-alone": try failAlone(communicator, odd)
      case "fail-everywhere": throw Broken(description: "broken everywhere")
      case "fail-together": try failTogether(communicator, odd)
      case "bad-input": try communicator.together { throw Broken(description: "bad input") }
      case "odd-configuration": try oddConfiguration(communicator, odd)
      case "flipped-bit": try flippedBit(communicator, odd)
      case "frozen": try stall(communicator, odd, frozen: true)
      case "late": try stall(communicator, odd, frozen: false)
      case "error-text": try checkMPI(6, call: "MPI_Bcast")
      default: throw Broken(description: "no mode named '\(mode)'")
      }
    }
    exit(status)
  }

  static func line(_ text: String, to handle: FileHandle = .standardOutput) {
    handle.write(Data("\(text)\n".utf8))
  }

  static func say(_ text: String, _ communicator: any Communicator) {
    line("ok \(text) rank \(communicator.rank) of \(communicator.worldSize)")
  }

  static func laws(_ communicator: any Communicator) throws {
    for count in [0, 1, 4, 1000] { try CollectiveLaws.checkAll(communicator, count: count) }
    say("laws", communicator)
  }

  /// The same laws, with buffers that need several calls.
  static func chunks() {
    do {
      let communicator = try MPIEnvironment.communicator(chunk: 7)
      for count in [6, 7, 8, 100] { try CollectiveLaws.checkAll(communicator, count: count) }
      say("chunks", communicator)
      try MPIEnvironment.finalize()
    } catch {
      line("fst: \(error)", to: .standardError)
      exit(1)
    }
  }

  /// All ranks but the first `spared` fail, and the launcher seems to take 5 s to end them.
  static func slowEnd(sparing spared: Int) {
    guard let communicator = try? MPIEnvironment.communicator() else { exit(1) }
    if communicator.rank < spared { try? communicator.barrier() }
    communicator.waitForTurnToFail()
    line("fst: rank \(communicator.rank) is broken", to: .standardError)
    sleep(5)
    communicator.abort(exitCode: 7)
  }

  static func settings(_ communicator: any Communicator) {
    let links = ProcessInfo.processInfo.environment["OMPI_MCA_btl_tcp_links"] ?? "unset"
    let ring = ProcessInfo.processInfo.environment["OMPI_MCA_coll_tuned_allreduce_algorithm"]
    say("links \(links) algorithm \(ring ?? "unset")", communicator)
  }

  static func failAlone(_ communicator: any Communicator, _ odd: Int) throws {
    if communicator.rank == odd { throw Broken(description: "rank \(odd) is broken") }
    try communicator.barrier()
    try communicator.barrier()
  }

  /// Rank `odd` stops or sleeps in its third step; the others wait, and are watched.
  static func stall(_ communicator: any Communicator, _ odd: Int, frozen: Bool) throws {
    let watch = try StallWatch.start(
      on: communicator, limits: StallLimits(warning: 2, exit: 8),
      warn: { line("warning: \($0)", to: .standardError) },
      end: {
        if let message = $0 { line("fst: \(message)", to: .standardError) }
        _exit(75)
      })
    defer { watch?.stop() }
    let gradients = FloatBuffer(count: 8)
    let reducer = GradientReducer(
      communicator: communicator, gradients: gradients,
      plan: BucketPlan(sizesInReadyOrder: [4, 4], edgeCap: 16, cap: 16))
    try communicator.training {
      for step in 1...20 {
        reducer.begin()
        reducer.markReady(4..<8)
        if step == 15, communicator.rank == odd {
          if frozen { raise(SIGSTOP) }
          sleep(60)
        }
        reducer.markReady(0..<4)
        try reducer.finish()
        usleep(100_000)
      }
    }
  }

  static func failTogether(_ communicator: any Communicator, _ odd: Int) throws {
    try communicator.together {
      if communicator.rank == odd { throw Broken(description: "no such file") }
    }
  }

  static func oddConfiguration(_ communicator: any Communicator, _ odd: Int) throws {
    try communicator.requireAgreement(
      on: "configuration", communicator.rank == odd ? "lr: 0.1" : "lr: 0.01")
  }

  static func flippedBit(_ communicator: any Communicator, _ odd: Int) throws {
    let buffer = FloatBuffer((0..<1000).map(Float.init))
    if communicator.rank == odd { buffer.bytes[2345] ^= 1 }
    try ReplicaCheck.verify(
      buffer, layout: "weight [1000]", subject: "parameters", on: communicator)
  }
}
