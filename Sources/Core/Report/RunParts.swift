import Foundation

/// The parts of a page that one run has, as titles and what stands below them.
struct RunParts {
  let run: RunFiles
  /// What its model was asked, if it was.
  var look: RunLook?
  /// Clean test images for the pictures of triggers, if they are at hand.
  var testImages: LabeledImages?
  /// A sentence where the model was not asked.
  var whyNotAsked: String?
  /// The element of headings below a part's title.
  var heading = "h3"

  /// All parts, of which empty ones are left out.
  var parts: [(title: String, body: HTMLText)] {
    let all: [(String, (inout HTMLText) -> Void)] = [
      ("What was done", addCommand),
      (only == nil ? "Over the epochs" : "The attack, over the epochs", addEpochs),
      ("The trigger", addTrigger), ("Tunings and defences", addDefences),
      ("What images are taken for", addConfusion), ("Features before the last layer", addFeatures),
      ("Where the time went", addTiming), ("What could not be read", addProblems),
    ]
    return all.compactMap { title, add in
      var html = HTMLText()
      add(&html)
      return html.markup.isEmpty ? nil : (title, html)
    }
  }

  /// The run in a few words, such as `badnet 10 %`, or `badnet 10 %, after nc`.
  var title: String {
    let attack = run.description.title.isEmpty ? run.name : run.description.title
    return attack + (only.map { ", after \($0.title)" } ?? "")
  }

  /// The one defence that the page is about, if it is about one.
  private var only: PurifiedFiles? { run.isOfOneDefence ? run.defences.first : nil }

  /// Data, model and length in a sentence.
  var lead: String {
    let value = { (key: String) in run.argument(key)?.plain }
    let model = [value("model"), value("width").map { "of width \($0)" }]
      .compactMap { $0 }.joined(separator: " ")
    let epochs = run.frame.map { "\($0.rows.count) epoch\($0.rows.count == 1 ? "" : "s")" }
    let parts = [value("dataset"), model.isEmpty ? nil : model, epochs].compactMap { $0 }
    return parts.isEmpty ? run.folder : parts.joined(separator: ", ")
  }

  /// The three rates, of the attacked model or of the purified one that the page is about.
  func addFigures(to html: inout HTMLText) {
    let rates = only?.after ?? run.rates
    guard !rates.isEmpty else { return }
    let before = only?.log.before ?? run.rates
    let meanings = [
      ("C-ACC", "clean test images classified right", rates.clean, before.clean),
      ("ASR", "triggered images taken for the target", rates.attack, before.attack),
      ("RA", "triggered images classified right", rates.robust, before.robust),
    ].map { name, meaning, rate, before in
      (name, meaning + (only == nil ? "" : "; \(BackdoorMetrics.figure(before)) before"), rate)
    }
    html.tag("div", ["class": "figures"]) { html in
      for (name, meaning, rate) in meanings {
        html.tag("p") { html in
          html.text("\(name) ")
          html.tag("strong", text: BackdoorMetrics.figure(rate))
          html.text(" ")
          html.tag("span", text: meaning)
        }
      }
    }
  }

  private func addCommand(_ html: inout HTMLText) {
    guard let only else { return addAttack(to: &html) }
    addCommand(only.arguments, only.log, folder: only.folder, to: &html)
    SettingRows(of: only, attack: run.description.attack).add(to: &html)
    html.details("The attack before it", addAttack)
  }

  private func addAttack(to html: inout HTMLText) {
    addCommand(run.arguments, run.log, folder: run.folder, to: &html)
    SettingRows(of: run).add(to: &html)
  }

  private func addCommand(
    _ arguments: [ConfigArgument], _ log: RunLogText, folder: String, to html: inout HTMLText
  ) {
    if let command = RunCommand.text(arguments, log: log) {
      html.paragraph("The command, to be given again in the same folder:")
      html.tag("pre", ["tabindex": "0"]) { $0.tag("code", text: command) }
    }
    let place = [log.header] + log.ranks + [log.ended.map { "ended \($0)" }]
    let known = place.compactMap { $0 }
    if !known.isEmpty { html.note(known.joined(separator: "; ") + ".") }
    html.note("Folder: \(folder)")
  }

  private func addEpochs(_ html: inout HTMLText) {
    guard let frame = run.frame, !frame.rows.isEmpty else { return }
    var charts = FrameCharts(frame: frame, title: "Test images")
    charts.learningRates = run.log.epochs(of: frame).map { $0?.learningRate }
    charts.add(to: &html)
    charts.addTable(to: &html)
  }

  private func addTrigger(_ html: inout HTMLText) {
    guard let folder = run.triggeredFolder else { return }
    let gallery = TriggerGallery(folder: folder, originals: testImages)
    gallery.add(to: &html)
    if testImages == nil, !gallery.isEmpty {
      html.note(
        "The images before and the differences are on the page that fst report writes where it finds "
          + "the dataset (--dataset_path).")
    }
  }

  private func addTiming(_ html: inout HTMLText) {
    TimingPart(run: run).add(to: &html)
  }

  private func addProblems(_ html: inout HTMLText) {
    let problems = run.problems + run.defences.flatMap(\.problems)
    guard !problems.isEmpty else { return }
    html.tag("ul") { html in for problem in problems { html.tag("li", text: problem) } }
  }
}
