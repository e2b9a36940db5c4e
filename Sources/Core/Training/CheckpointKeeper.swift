import Distributed

/// Saves what a run needs to go on, and restores it; it owns the rows of the run's frame so far.
///
/// All ranks call it together. Rank 0 alone touches the folder: a folder that the other ranks do
/// not see is no obstacle, and where a save fails all ranks end.
public final class CheckpointKeeper {
  /// The rows of the finished epochs, the same on every rank that finished them; else on rank 0.
  private(set) var rows: [[AttackDataFrame.Value]] = []

  private let folder: CheckpointFolder
  private let identity: RunIdentity
  private let step: any TrainingStep
  private let sampler: ShardedSampler
  private let losses: EpochLosses?
  private let observer: any TrainingObserver
  private var lastSaved: (epoch: Int, step: Int)?

  /// A keeper of the state of `step`, which takes the batches of `sampler`; `losses` are kept where
  /// the learning rate follows them.
  init(
    _ folder: CheckpointFolder, identity: RunIdentity, step: any TrainingStep,
    sampler: ShardedSampler, losses: EpochLosses?, observer: any TrainingObserver
  ) {
    self.folder = folder
    self.identity = identity
    self.step = step
    self.sampler = sampler
    self.losses = losses
    self.observer = observer
  }

  /// The folder of what was saved or restored; nil where nothing was.
  var savedFolder: String? { lastSaved == nil ? nil : folder.path }

  private var communicator: any Communicator { step.communicator }

  /// Saves the state at `position` unless that is what was saved or restored last.
  ///
  /// Throws `SharedFailure`, on all ranks alike, where rank 0 cannot write; what was saved before
  /// stays whole then.
  func save(at position: TrainingPosition) throws {
    if let lastSaved, lastSaved == (position.epoch, position.step) { return }
    try step.timer.measure(.save) { try communicator.expectingWaits { try write(position) } }
    lastSaved = (position.epoch, position.step)
  }

  private func write(_ position: TrainingPosition) throws {
    let counts = try communicator.allGather(position.counts.words.littleEndianBytes)
    try communicator.onRankZero {
      let states = step.learners.map(LearnerState.init)
      var checkpoint = Checkpoint(
        epochs: position.epoch, samples: samples(at: position.step),
        counts: counts.compactMap { TrainingCounts(words: [Int64](littleEndian: $0)) },
        bucketLayout: step.bucketLayout, settings: identity.settings, machine: machine,
        model: states[0].model, velocity: states[0].memory, rows: rows)
      checkpoint.optimizerSteps = states[0].optimizerSteps
      checkpoint.learners = Array(states.dropFirst())
      checkpoint.losses = losses?.values ?? []
      try folder.write(checkpoint)
    }
  }

  /// Adds the row of an epoch and saves the state after it.
  func save(_ row: [AttackDataFrame.Value], afterEpoch index: Int) throws {
    rows.append(row)
    try save(at: TrainingPosition(epoch: index + 1))
  }

  /// Gives every rank the state that `saved` holds on rank 0, or rank 0's own where that is nil;
  /// the position to start from.
  func restore(_ saved: Checkpoint?) throws -> TrainingPosition {
    try communicator.onRankZero { if let saved { try load(saved) } }
    for learner in step.learners {
      try communicator.broadcast(learner.store)
      for memory in learner.optimizer.state { try communicator.broadcast(memory.bytes, from: 0) }
    }
    let begun = try communicator.fromRankZero { step.learners.map(\.optimizer.stepCount) }
    zip(step.learners, begun).forEach { $0.optimizer.stepCount = $1 }
    if let losses {
      let bits = try communicator.fromRankZero { (saved?.losses ?? []).map(\.bitPattern) }
      losses.values = bits.map { Double(bitPattern: $0) }
    }
    let mine = saved.map { saved in
      [Int64(saved.epochs), Int64(steps(for: saved.samples) ?? 0)] + saved.counts.flatMap(\.words)
    }
    let words = [Int64](
      littleEndian: try communicator.fromRankZero(bytes: (mine ?? []).littleEndianBytes))
    guard words.count > 2 else { return TrainingPosition() }
    let position = TrainingPosition(
      epoch: Int(words[0]), step: Int(words[1]), counts: ownCounts(words.dropFirst(2)))
    lastSaved = (position.epoch, position.step)
    return position
  }

  private func load(_ saved: Checkpoint) throws {
    let classifier = LearnerState(
      name: step.learners[0].name, model: saved.model, memory: saved.velocity,
      optimizerSteps: saved.optimizerSteps)
    let states = [classifier] + saved.learners
    guard states.map(\.name) == step.learners.map(\.name), steps(for: saved.samples) != nil else {
      throw CheckpointError.notACheckpoint(path: folder.path)
    }
    for (learner, state) in zip(step.learners, states) {
      guard try learner.restore(state) else {
        throw CheckpointError.notACheckpoint(path: folder.path)
      }
    }
    rows = saved.rows
    tellDifferences(saved)
  }

  /// What the earlier part of the run is continued with; without `--sync_bn` it shows in the bits.
  private func tellDifferences(_ saved: Checkpoint) {
    let (before, now) = (saved.counts.count, communicator.worldSize)
    if before != now {
      observer.observe(
        .message("saved by \(before) ranks, going on with \(now): the same images in each step"))
    } else if now > 1 && saved.bucketLayout != step.bucketLayout {
      observer.observe(
        .warning("gradients are summed in other buckets than before: last bits may differ"))
    }
    for (key, now) in machine {
      guard let before = saved.machine.first(where: { $0.key == key })?.value, before != now
      else { continue }
      // Other kernels round the last bits otherwise; other numbers round each product.
      let difference = key == "precision" ? "products round otherwise" : "last bits may differ"
      observer.observe(.warning("\(key) was \(before) and is \(now) now: \(difference)"))
    }
  }

  /// How rank 0 computes: the threads that it has where none were asked for, and the precision that
  /// auto comes to.
  private var machine: [(key: String, value: String)] {
    let own = [
      "threads": "\(step.context.threads)", "precision": step.context.precision.name,
    ]
    return identity.machine.map { ($0.key, own[$0.key] ?? $0.value) }
  }

  /// The counts of the ranks whose part this rank takes over: its own where there are as many.
  private func ownCounts(_ words: ArraySlice<Int64>) -> TrainingCounts {
    let size = TrainingCounts().words.count
    let parts = stride(from: words.startIndex, to: words.endIndex, by: size)
      .compactMap { TrainingCounts(words: Array(words[$0..<min($0 + size, words.endIndex)])) }
    var own = TrainingCounts()
    own.batches = parts.first?.batches ?? 0
    for (rank, part) in parts.enumerated() where rank % communicator.worldSize == communicator.rank
    { own.merge(part) }
    return own
  }

  private func samples(at step: Int) -> Int { min(step * sampler.batchSize, sampler.count) }

  /// The steps that take `samples` images; nil where no number of whole batches does.
  private func steps(for samples: Int) -> Int? {
    let steps = (samples + sampler.batchSize - 1) / sampler.batchSize
    return steps <= sampler.stepsPerEpoch && self.samples(at: steps) == samples ? steps : nil
  }
}

extension LearnerState {
  /// The state of `learner` as it is now.
  fileprivate init(_ learner: Learner) {
    self.init(
      name: learner.name, model: learner.store.stateDict(),
      memory: learner.optimizer.state.flatMap(\.array),
      optimizerSteps: learner.optimizer.stepCount)
  }
}

extension Learner {
  /// Takes `state` over; false where it is that of another optimizer.
  fileprivate func restore(_ state: LearnerState) throws -> Bool {
    guard state.memory.count == optimizer.state.reduce(0, { $0 + $1.count }) else { return false }
    try store.load(state.model)
    var position = 0
    for memory in optimizer.state {
      let part = Array(state.memory[position..<position + memory.count])
      memory.pointer.update(from: part, count: memory.count)
      position += memory.count
    }
    optimizer.stepCount = state.optimizerSteps
    return true
  }
}
