/// C-ACC, ASR and RA as a run's files give them, 0…1; nil where they do not.
package struct ThreeRates: Equatable {
  package var clean: Double?
  package var attack: Double?
  package var robust: Double?

  /// Those of a frame's last row that has any, by the names of its columns.
  package init(last frame: AttackDataFrame?) {
    clean = frame?.column("test_acc").last(where: \.isFinite)
    attack = frame?.column("test_asr").last(where: \.isFinite)
    robust = frame?.column("test_ra").last(where: \.isFinite)
  }

  /// Those that are known.
  package init(clean: Double? = nil, attack: Double? = nil, robust: Double? = nil) {
    (self.clean, self.attack, self.robust) = (clean, attack, robust)
  }

  /// The three in their order, as texts.
  package var figures: [String] { [clean, attack, robust].map(BackdoorMetrics.figure) }

  /// Whether none is known.
  package var isEmpty: Bool { clean == nil && attack == nil && robust == nil }
}

extension AttackDataFrame {
  /// The values of the column called `name`, one a row; none where there is no such column.
  func column(_ name: String) -> [Double] {
    guard let place = columns.firstIndex(of: name) else { return [] }
    return rows.map { $0[place].number }
  }
}
