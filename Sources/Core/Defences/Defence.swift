import Distributed

/// A defence: a value with settings of its own, which the run of all defences is handed.
///
/// A new one is a file with such a type, and a word in `Defences.defences`.
package protocol Defence: Method {
  /// Sets what it takes otherwise than all defences do, before anything that is given.
  static func adjust(_ settings: inout DefendConfiguration)

  /// Whether it chooses among results, for which some of the clean images are held out.
  static var decides: Bool { get }

  /// Whether it tests what a defence has left, and purifies nothing itself.
  static var testsDefences: Bool { get }

  /// What `client_optimizer` calls the rule by which it moves weights.
  static var optimizerName: String { get }

  /// Sets where it starts and what it saves, where that is not as usual, once all that was given is
  /// known; throws `ConfigError`.
  func place(_ settings: inout DefendConfiguration) throws

  /// Throws a one-line error where a file that it needs is not there; rank 0 alone is asked, before
  /// anything is written.
  func requireFiles(_ settings: TuneConfiguration) throws

  /// Purifies the network of `stage` in place; all ranks call it together.
  ///
  /// Throws one-line errors, `SharedFailure` where all ranks know of it, and `DefenceStopped`.
  func purify(_ stage: DefenceStage) throws -> Purified
}

extension Defence {
  package static var decides: Bool { false }
  package static var testsDefences: Bool { false }
  package static var optimizerName: String { "sgd" }
  package static func adjust(_ settings: inout DefendConfiguration) {}
  package func place(_ settings: inout DefendConfiguration) throws {}
  package func requireFiles(_ settings: TuneConfiguration) throws {}
}

/// What a defence has come to, beside the network that it has changed.
package struct Purified {
  /// Tables for the defence's folder, by file name.
  package var tables: [(name: String, frame: AttackDataFrame)] = []
  /// Pictures for the defence's folder, by file name.
  package var pictures: [(name: String, image: RGBImage)] = []
  /// Lines that say what was found and done.
  package var findings: [String] = []
  /// What the result is judged by, where that is not the network on the test sets.
  package var results: TestResults?
  /// What is saved in the place of the network.
  package var state: StateDict?

  /// Nothing but the network.
  package init() {}
}

/// A defence that a signal has stopped; known to all ranks.
package struct DefenceStopped: Error {
  /// Where its training stood.
  package var position: TrainingPosition
  /// Whether a checkpoint of there was kept, where the run saves.
  package var isSaved = true
}
