/// The colours of classes on a sheet.
///
/// The ten of Petroff ("Accessible color sequences for data visualization", arXiv:2107.02270, 2021),
/// chosen by a search for colours that stay apart under simulated colour-vision deficiencies and
/// differ in lightness too. The dark red among them is the target class's alone; triggered points
/// are near black, which none of the ten is.
public struct SheetPalette: Equatable, Sendable {
  /// The target class's colour.
  public static let targetColor = Color(0xBD1F01)
  /// The others' colours, in the order of their classes.
  public static let classColors = [
    0x3F90DA, 0xFFA90E, 0x94A4A2, 0x832DB6, 0xA96B59, 0xE76300, 0xB9AC70, 0x717581, 0x92DADD,
  ].map { Color($0) }
  /// Triggered points' colour.
  public static let triggeredColor = Color(0x111111)

  private let target: Int?

  /// The colours where `target` is the class that triggered images are to be taken for; without
  /// one, class 0 has its colour.
  public init(target: Int?) { self.target = target }

  /// The colour of class `label`; colours repeat after nine classes besides the target.
  public func color(of label: Int) -> Color {
    let first = target ?? 0
    if label == first { return Self.targetColor }
    return Self.classColors[(label < first ? label : label - 1) % Self.classColors.count]
  }

  /// Whether two of `classCount` classes have the same colour.
  public static func repeats(classCount: Int) -> Bool { classCount > classColors.count + 1 }
}
