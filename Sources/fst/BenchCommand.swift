import ArgumentParser
import Core
import Distributed

/// `fst bench`: how fast the engine is on this machine.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time steps, evaluations, kernels, threads, the sum over ranks or t-SNE.",
    discussion: """
      Runs ResNet18 on random 32x32 images, two passes to warm up, then the
      timed ones. Wall and processor time of a pass, images per second at the
      median, the process's peak memory, and the loss of the last pass.

      kernels times every convolution of the network by itself: output,
      weight gradient, and what the input gradient takes on top; and the
      matrix products within, against OpenBLAS. Each result is checked
      first, a wrong one ends the run. GFLOP/s are those that a direct
      convolution would need (direct) and those of the products really
      computed (done), also as a share of the multiply-adds that the cores
      were measured to do, in floats: those of --precision int16 may be more.

        fst bench step --width 64 --batch_size 128
        fst bench evaluate --threads 1 --json
        fst bench kernels --width 64 --steps 5
        fst bench step --precision int16
        mpirun -np 2 fst bench step --batch_size 64
        mpirun -np 2 fst bench allreduce
        mpirun -np 2 fst bench allreduce --compress powersgd
        fst bench scaling --threads 16
        fst bench tsne --points 5000 --features 512 --steps 3
        fst bench tsne features.npy --json

      Under mpirun, --batch_size is each rank's, and a step sums gradients over
      the ranks; what that costs is told too. allreduce times the sum of one
      network's gradients alone (44.7 MB at width 64), in training's buckets.
      step, evaluate and allreduce run alone or on many ranks, kernels, scaling
      and tsne on one: the others end at once.

      scaling runs steps and evaluation passes on 1, 2, 4 ... up to --threads
      threads (default: 16), also where there are fewer cores: it takes the
      processor time of each thread's share, so that it says what so many
      cores would take at least, how much of that runs on one thread alone,
      and how much waits for shares that are larger than others. What the
      cores' common memory adds, it cannot know.

      tsne embeds generated features of ten clusters, or those of a file of
      numpy's npy format, [points, features]; --steps embeddings are timed,
      KL divergence and trustworthiness told.

      bench/compare_pytorch.py runs it in turn with PyTorch's step,
      bench/compare_gloo.py with PyTorch's sum and step over several ranks,
      bench/compare_tsne.py with scikit-learn's t-SNE.
      """)

  /// What is timed.
  enum Subject: String, CaseIterable, ExpressibleByArgument {
    case step, evaluate, kernels, scaling, allreduce, tsne
  }

  @Argument(
    help: ArgumentHelp(
      "What is timed: step, evaluate, kernels, scaling, allreduce or tsne.", valueName: "what"))
  var subject: Subject

  @OptionGroup(title: "t-SNE") var embedding: TSNEBenchOptions

  @Option(name: .key("model"), help: "The architecture.")
  var model = NetworkKind.resnet18

  @Option(
    name: .key("width"), help: ArgumentHelp("Planes of the first stage.", valueName: "planes"))
  var width = 64

  @Option(name: .key("batch_size"), help: ArgumentHelp("Images in a pass.", valueName: "images"))
  var batchSize = 128

  @Option(
    name: .key("threads"),
    help: ArgumentHelp("Threads (default: this process's share of the cores).", valueName: "n"))
  var threads: Int?

  @Option(
    name: .key("precision"),
    help: ArgumentHelp(
      "In what numbers convolutions multiply: auto, float32 or int16.", valueName: "numbers"))
  var precision = PrecisionChoice.float32

  @Option(
    name: .key("compress"),
    help: ArgumentHelp(
      "How gradients travel under mpirun: none, fp16, bf16 or powersgd.", valueName: "form"))
  var compression = GradientCompression.none

  @Option(
    name: .key("powersgd_rank"),
    help: ArgumentHelp("Columns of powersgd's thin matrices.", valueName: "n"))
  var powerSGDRank = PowerSGDSettings().rank

  @Option(name: .key("steps"), help: ArgumentHelp("Timed passes.", valueName: "n"))
  var steps = 10

  @Flag(name: .key("json"), help: "The result as one JSON object in the last line.")
  var json = false

  func validate() throws {
    for (key, value, largest) in [
      ("width", width, 4096), ("batch_size", batchSize, 65_536), ("steps", steps, 1_000_000),
      ("threads", threads ?? 1, 1024), ("powersgd_rank", powerSGDRank, 32),
    ] where !(1...largest).contains(value) {
      throw ValidationError("--\(key): expected 1 to \(largest), found \(value)")
    }
    if let file = embedding.file, subject != .tsne {
      // An option that does not exist leaves its value here.
      let given = CommandLine.arguments
      let places = given.indices.filter { given[$0] == file }
      let place = places.count == 1 ? " after '\(given[places[0] - 1])'" : ""
      throw ValidationError(
        "unexpected argument '\(file)'\(place): only bench tsne reads a file, and options are "
          + "those of --help")
    }
    try requireMeaning()
  }

  /// Throws where an option is given that says nothing of what is timed.
  private func requireMeaning() throws {
    let sums: Set<Subject> = [.step, .allreduce]
    let passes: Set<Subject> = [.step, .evaluate, .kernels, .scaling]
    let given: [(key: String, isGiven: Bool, subjects: Set<Subject>)] = [
      ("model", model != .resnet18, [.step, .evaluate, .scaling, .allreduce]),
      ("precision", precision != .float32, passes),
      ("compress", compression != .none, sums),
    ]
    for option in given where option.isGiven && !option.subjects.contains(subject) {
      let others = Subject.allCases.filter(option.subjects.contains).map(\.rawValue)
      throw ValidationError(
        "--\(option.key): expected bench \(others.joined(separator: ", ")), found "
          + "\(subject.rawValue)")
    }
    if powerSGDRank != PowerSGDSettings().rank, compression != .powersgd {
      throw ValidationError("--powersgd_rank: expected --compress powersgd, found \(compression)")
    }
  }

  func run() throws {
    let status = MPIEnvironment.run(report: { Ending.say("\($0)") }, exitCode: ExitStatus.of) {
      try run(on: $0)
    }
    if status != 0 { throw ExitCode(status) }
  }

  private func run(on communicator: any Communicator) throws {
    try communicator.together { try ModelTooLarge.check(model, width: width, classCount: 10) }
    try communicator.together { try Limits.requireAddressSpace(threads: self.threads) }
    try communicator.requirePrecision(precision)
    var warnings = try Doctor(on: communicator).threadWarnings(threads: threads)
    if compression != .none, communicator.worldSize == 1 {
      warnings.append("no effect on one rank: compress")
    }
    if communicator.rank == 0 { warnings.forEach { StandardError.write("warning: \($0)\n") } }
    let threads = ThreadCount.resolve(requested: threads)
    switch subject {
    case .step, .evaluate:
      let benchmark = StepBenchmark(
        kind: subject == .step ? .step : .evaluate, model: model, width: width,
        batchSize: batchSize, threads: threads, steps: steps, precision: precision,
        compression: compression, powerSGDRank: powerSGDRank, communicator: communicator)
      let report = try benchmark.run()
      if communicator.rank == 0 { try Report.benchmark(report, of: benchmark, json: json) }
    case .allreduce:
      let report = try AllReduceBenchmark(
        plan: AllReduceBenchmark.plan(model, width: width, for: compression), runs: steps,
        compression: compression, powerSGDRank: powerSGDRank, communicator: communicator
      ).run()
      if communicator.rank == 0 { try Report.allReduce(report, json: json) }
    case .scaling:
      guard communicator.rank == 0 else { return }
      try ScalingReport(
        ScalingBenchmark(
          model: model, width: width, batchSize: batchSize, largest: self.threads ?? 16,
          steps: steps, precision: precision
        ).run(), precision: precision
      ).print(json: json)
    case .kernels:
      guard communicator.rank == 0 else { return }
      let layers = try KernelBenchmark(
        width: width, batchSize: batchSize, threads: threads, steps: steps, precision: precision
      ).run()
      try KernelReport(
        layers: layers, products: ProductBenchmark(steps: steps).run(), width: width,
        batchSize: batchSize, threads: threads, precision: precision
      ).print(json: json)
    case .tsne:
      guard communicator.rank == 0 else { return }
      try embedding.run(threads: threads, runs: steps, json: json)
    }
  }
}
