extension RunParts {
  /// The table of all tunings and defences, then each by itself.
  func addDefences(_ html: inout HTMLText) {
    guard !run.defences.isEmpty else { return }
    let before = run.rates
    html.table(
      caption: "Before and after, on the whole test set. C-ACC should stay, ASR fall, RA rise.",
      columns: ["model", "C-ACC", "ASR", "RA", "C-ACC lost"],
      rows: [["attacked"] + before.figures + [""]]
        + run.defences.map { defence in
          let after = defence.after
          let first = defence.log.before?.clean ?? before.clean
          let lost = first.flatMap { first in after.clean.map { first - $0 } }
          return [defence.title] + after.figures + [BackdoorMetrics.figure(lost)]
        }, numbers: 1..<5)
    for defence in run.defences {
      var shown = HTMLText()
      addReversedTriggers(of: defence, to: &shown)
      for (name, frame) in defence.frames where name != "nc_norms.csv" {
        var charts = FrameCharts(frame: frame, title: "Test images")
        charts.suffix = " in \(name)"
        charts.add(to: &shown, least: 2)
      }
      if !shown.markup.isEmpty { html.tag(heading, text: defence.title) }
      html.add(shown)
      if !run.isOfOneDefence { addSettings(of: defence, to: &html) }
    }
  }

  private func addSettings(of defence: PurifiedFiles, to html: inout HTMLText) {
    html.details("Command and settings of \(defence.title)") { html in
      if let command = RunCommand.text(defence.arguments, log: defence.log) {
        html.tag("pre", ["tabindex": "0"]) { $0.tag("code", text: command) }
      }
      if let header = defence.log.header { html.note(header + ".") }
      SettingRows(of: defence, attack: run.description.attack).add(to: &html)
    }
  }

  private func addReversedTriggers(of defence: PurifiedFiles, to html: inout HTMLText) {
    guard let path = defence.reversedTriggers, let uri = InlinePicture.uri(ofFile: path) else {
      return
    }
    html.tag("figure") { html in
      html.tag(
        "figcaption", text: "The trigger reversed for each class, under the size of its mask.")
      html.void(
        "img",
        [
          "class": "sheet", "src": uri,
          "alt": "Reversed triggers of \(defence.title), a picture for each class",
        ])
    }
    guard let norms = defence.norms else { return }
    let (classes, sizes) = (norms.column("class"), norms.column("norm"))
    let (deviations, works) = (norms.column("deviations"), norms.column("works"))
    let flagged = norms.column("flagged")
    html.details("Sizes of the masks") { html in
      html.table(
        caption: "A class whose mask is far smaller than the others' stands out.",
        columns: ["class", "size of mask", "deviations", "verdict"],
        rows: norms.rows.indices.map { row in
          let verdict = flagged.at(row) == 1 ? "stands out" : ""
          let reach = works.at(row) == 0 ? "no trigger that works" : verdict
          return [
            classes.at(row).map { FrameCharts.whole($0) } ?? "",
            sizes.at(row).map { FrameCharts.short($0) } ?? "",
            deviations.at(row).map { FrameCharts.short($0) } ?? "", reach,
          ]
        }, numbers: 1..<3)
    }
  }
}

extension Array {
  /// The element at `index`; nil where there is none.
  fileprivate func at(_ index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
