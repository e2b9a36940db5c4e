/// A `defense_result.pt`: the purified model, bare or in a dict that names the architecture.
public struct DefenseResult: Equatable, Sendable {
  /// The two forms in use.
  public enum Form: Equatable, Sendable {
    /// The state_dict itself, as the FST code writes it.
    case bare
    /// A dict of model_name, num_classes and model, as BackdoorBench writes it.
    case dictionary
  }

  /// The model's tensors, without the prefixes of wrappers.
  public var model: StateDict
  /// The architecture, where the file names it.
  public var modelName: String?
  /// The number of classes, where the file gives it.
  public var numClasses: Int?

  /// A defence's result.
  public init(model: StateDict, modelName: String? = nil, numClasses: Int? = nil) {
    self.model = model
    self.modelName = modelName
    self.numClasses = numClasses
  }

  /// Reads a file of either form, also an attack_result.pt for its model.
  /// - Throws: `ArchiveError`, one line.
  public static func read(path: String) throws -> DefenseResult {
    try DefenseResult(try TorchArchive.read(path: path), file: path)
  }

  /// The result in `value`, the content of `file`.
  init(_ value: PickleValue, file: String) throws {
    self.init(
      model: try StateDict(within: value, file: file), modelName: value["model_name"]?.text,
      numClasses: value["num_classes"]?.integer)
  }

  /// Writes the file to `path` atomically; the dict form holds what is known.
  /// - Throws: `ArchiveError` or `FileError`; the file at `path` is then unchanged.
  public func write(to path: String, form: Form = .bare) throws {
    guard form == .dictionary else { return try TorchArchive.write(model.archived, to: path) }
    var entries: [PickleValue.Entry] = []
    if let modelName { entries.append(.init("model_name", .string(modelName))) }
    if let numClasses { entries.append(.init("num_classes", .int(Int64(numClasses)))) }
    entries.append(.init("model", model.archived))
    try TorchArchive.write(.dictionary(entries), to: path)
  }
}
