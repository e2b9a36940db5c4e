extension Checkpoint {
  /// The largest number of epochs or images that a run is taken to come to.
  private static let largest = 1 << 40

  /// Throws unless these are numbers that a run can come to.
  ///
  /// A checksum only says that they are those that were written.
  func requireSense(path: String) throws {
    func impossible(_ place: String, _ expected: String, _ found: String) -> CheckpointError {
      .impossible(path: path, problem: "\(place): expected \(expected), found \(found)")
    }
    for (place, number) in [("epochs", epochs), ("samples", samples)]
    where !(0...Self.largest).contains(number) {
      throw impossible(place, "0 to \(Self.largest)", "\(number)")
    }
    guard rows.count == epochs else {
      throw impossible("rows", "one for each of \(epochs) epochs", "\(rows.count)")
    }
    if let problem = model.problem {
      throw CheckpointError.impossible(path: path, problem: problem)
    }
    if let index = velocity.firstIndex(where: { !$0.isFinite }) {
      throw impossible("velocity[\(index)]", "a finite number", "\(velocity[index])")
    }
    for learner in learners {
      if let problem = learner.model.problem {
        throw CheckpointError.impossible(path: path, problem: "\(learner.name): \(problem)")
      }
      if let value = learner.memory.first(where: { !$0.isFinite }) {
        throw impossible("memory of \(learner.name)", "finite numbers", "\(value)")
      }
    }
    for steps in [optimizerSteps] + learners.map(\.optimizerSteps)
    where !(0...Self.largest).contains(steps) {
      throw impossible("steps", "0 to \(Self.largest)", "\(steps)")
    }
  }

  /// Throws unless each row has a value for every one of `columns`.
  func requireRows(_ columns: [String], path: String) throws {
    guard let row = rows.first(where: { $0.count != columns.count }) else { return }
    throw CheckpointError.impossible(
      path: path,
      problem: "rows: expected \(columns.count) values in each, found \(row.count)")
  }
}
