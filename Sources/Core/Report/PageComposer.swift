import Foundation

/// What a page is of.
enum PageContent {
  /// A run's parts.
  case run(RunParts)
  /// A sweep's results; nil on other ranks than 0.
  case sweep(SweepFiles?)
}

/// Puts the parts of runs and sweeps on one page.
struct PageComposer {
  /// The usual name of a page's file.
  static let fileName = "report.html"

  private let contents: [PageContent]

  /// A composer of a page of `contents`.
  init(_ contents: [PageContent]) { self.contents = contents }

  /// The page.
  var page: ReportPage {
    guard contents.count == 1 else { return pageOfSeveral }
    switch contents[0] {
    case .run(let parts): return Self.page(of: parts)
    case .sweep(let files): return files.map(Self.page) ?? ReportPage(title: "", lead: "")
    }
  }

  private static func page(of parts: RunParts) -> ReportPage {
    var page = ReportPage(title: parts.title, lead: parts.lead, footer: footer)
    parts.addFigures(to: &page.summary)
    for part in parts.parts { page.add(part.title) { $0.add(part.body) } }
    if let why = parts.whyNotAsked { page.footer.insert(why, at: 0) }
    return page
  }

  private static func page(of files: SweepFiles) -> ReportPage {
    let parts = SweepParts(files: files)
    var page = ReportPage(title: parts.title, lead: parts.lead, footer: footer)
    for part in parts.parts { page.add(part.title) { $0.add(part.body) } }
    return page
  }

  private var pageOfSeveral: ReportPage {
    let runs = contents.compactMap { content -> RunParts? in
      if case .run(let parts) = content { parts } else { nil }
    }
    var page = ReportPage(
      title: "\(contents.count) runs", lead: "A table of all, then each by itself.",
      footer: Self.footer)
    page.add("All runs") { Self.addTable(of: runs, to: &$0) }
    for content in contents {
      let (title, parts) = Self.titleAndParts(content)
      page.add(title) { html in
        for part in parts {
          html.tag("h3", text: part.title)
          html.add(part.body)
        }
      }
    }
    return page
  }

  private static func titleAndParts(
    _ content: PageContent
  ) -> (title: String, parts: [(title: String, body: HTMLText)]) {
    switch content {
    case .run(var run):
      run.heading = "h4"
      return (run.title, run.parts)
    case .sweep(let files):
      guard let files else { return ("", []) }
      var sweep = SweepParts(files: files)
      sweep.heading = "h4"
      return (sweep.title, sweep.parts)
    }
  }

  /// One row a model: the attacked one of each run, then its tunings and defences.
  private static func addTable(of runs: [RunParts], to html: inout HTMLText) {
    guard !runs.isEmpty else { return }
    let rows = runs.flatMap { parts -> [[String]] in
      let run = parts.run
      let place = [run.argument("dataset")?.plain ?? "", run.folder]
      let attacked = [parts.title, "attacked"] + run.rates.figures + place
      return [attacked]
        + run.defences.map { [parts.title, $0.title] + $0.after.figures + place }
    }
    html.table(
      caption: "Each model on the whole test set.",
      columns: ["attack", "model", "C-ACC", "ASR", "RA", "dataset", "folder"], rows: rows,
      numbers: 2..<5)
  }

  /// What the figures mean, and where the page is from.
  private static let footer = [
    "C-ACC: clean test images classified as what they are. ASR: triggered images taken for the "
      + "class that the attack wants. RA: triggered images classified as what they are, nonetheless.",
    "Written by fst report. The page needs no network and no script.",
  ]
}
