import Foundation

extension RunParts {
  private static let largestMatrix = 20
  private static let shownConfusions = 20

  /// Confusion matrices of clean and of triggered images: the attacked model's, the others' closed.
  func addConfusion(_ html: inout HTMLText) {
    guard let look else { return }
    look.problems.forEach { html.note("Not asked: \($0)") }
    if !look.leftOut.isEmpty {
      html.note(
        "Not asked, to be quick: \(look.leftOut.joined(separator: ", ")); --models \(run.defences.count) "
          + "asks them all, and --test_images asks about more images.")
    }
    for (place, model) in look.models.enumerated() {
      guard place > 0 else {
        html.tag(heading, text: "The attacked model")
        addConfusion(of: model, to: &html)
        continue
      }
      html.details("The model after \(model.title)") { addConfusion(of: model, to: &$0) }
    }
  }

  private func addConfusion(of model: RunLook.Model, to html: inout HTMLText) {
    for (matrix, what) in [(model.clean, "clean"), (model.triggered, "triggered")] {
      guard let matrix else { continue }
      let caption =
        "\(matrix.total) \(what) test images: rows are their classes"
        + (what == "clean" ? "" : " before the attack") + ", columns what they are taken for."
      if matrix.classCount > Self.largestMatrix {
        addConfusions(matrix, caption: caption, to: &html)
      } else {
        heat(matrix, caption: caption).add(to: &html)
      }
    }
  }

  private func name(_ label: Int) -> String {
    let names = testImages?.classNames ?? []
    return names.indices.contains(label) ? names[label] : "class \(label)"
  }

  private func heat(_ matrix: ConfusionMatrix, caption: String) -> HeatTable {
    let classes = 0..<matrix.classCount
    return HeatTable(
      caption: caption, corner: ["class"], columns: classes.map(name),
      rows: classes.map { [name($0)] },
      cells: classes.map { label in
        let total = matrix.total(of: label)
        return classes.map { prediction in
          let count = matrix[label, prediction]
          return HeatTable.Cell(
            count: count, share: total > 0 ? Double(count) / Double(total) : nil)
        }
      }, marked: look?.target)
  }

  /// Of many classes the most frequent confusions alone.
  private func addConfusions(
    _ matrix: ConfusionMatrix, caption: String, to html: inout HTMLText
  ) {
    html.table(
      caption: "The most frequent confusions among \(caption)",
      columns: ["class", "taken for", "images", "of"],
      rows: matrix.mostFrequent(Self.shownConfusions).map {
        [name($0.label), name($0.prediction), "\($0.images)", "\(matrix.total(of: $0.label))"]
      }, numbers: 2..<4)
  }

  /// What the last layer is given, in the plane, of each model that was asked.
  func addFeatures(_ html: inout HTMLText) {
    let shown = (look?.models ?? []).compactMap { model in
      model.positions.map { (model, $0) }
    }
    guard let look, !shown.isEmpty else { return }
    html.paragraph(
      "What the last layer is given, laid out by t-SNE: points are test images. Where the backdoor "
        + "works, triggered images lie by themselves or among the target class.")
    html.tag("div", ["class": "charts"]) { html in
      for (model, positions) in shown {
        FeaturePlot(
          title: model.title, labels: model.pointLabels, positions: positions,
          target: look.target, classCount: testImages?.classCount ?? 0
        ).add(to: &html)
      }
    }
    addKey(look, to: &html)
    let figures = shown.compactMap { model, _ in model.figures.map { (model.title, $0) } }
    guard !figures.isEmpty else { return }
    html.table(
      caption:
        "Triggered images against clean ones of the target class, on the features. Silhouette: "
        + "1 far apart, 0 mixed; probe: accuracy of a linear classifier between them, 0.5 if it "
        + "cannot tell.",
      columns: ["model", "silhouette", "probe", "distance of centroids", "cosine"],
      rows: figures.map { title, figures in
        [
          title, figures.silhouette, figures.linearProbeAccuracy, figures.centroidDistance,
          figures.centroidCosine,
        ].map { ($0 as? Double).map { String(format: "%.3f", $0) } ?? "\($0)" }
      }, numbers: 1..<5)
  }

  private func addKey(_ look: RunLook, to html: inout HTMLText) {
    let count = min(testImages?.classCount ?? 0, Self.largestMatrix)
    let palette = SheetPalette(target: look.target)
    html.tag("ul", ["class": "key"]) { html in
      for label in 0..<count {
        html.tag("li") { html in
          html.tag("svg", ["viewBox": "-6 -6 12 12", "aria-hidden": "true"]) { html in
            html.shape(
              "circle",
              ["r": label == look.target ? "5" : "4", "fill": palette.color(of: label).hex])
          }
          html.text(name(label) + (label == look.target ? " (target)" : ""))
        }
      }
      guard look.models.contains(where: { $0.triggered != nil }) else { return }
      html.tag("li") { html in
        html.tag("svg", ["viewBox": "-6 -6 12 12", "aria-hidden": "true"]) { html in
          html.shape("path", ["class": "triggered", "d": FeaturePlot.triangle(0, 0)])
        }
        html.text("triggered")
      }
    }
  }
}

/// Features of one model in the plane: discs in the classes' colours, triangles for triggered images.
struct FeaturePlot {
  private static let side = 320.0

  let title: String
  /// The class of each clean point; triggered ones follow them.
  let labels: [Int]
  let positions: FeatureMatrix
  let target: Int?
  let classCount: Int

  /// Adds the plot as a figure.
  func add(to html: inout HTMLText) {
    let triggered = positions.rows - labels.count
    html.tag("figure") { html in
      html.tag("figcaption") { $0.tag("strong", text: title) }
      html.tag(
        "svg",
        [
          "viewBox": "0 0 320 320", "role": "img",
          "aria-label": "t-SNE of the features of the model \(title): \(labels.count) clean and "
            + "\(triggered) triggered test images",
        ]
      ) { html in
        html.shape(
          "rect", ["class": "frame", "x": ".5", "y": ".5", "width": "319", "height": "319"])
        draw(&html)
      }
    }
  }

  private func draw(_ html: inout HTMLText) {
    let places = places
    let palette = SheetPalette(target: target)
    let order = (0..<classCount).filter { $0 != target } + (target.map { [$0] } ?? [])
    for label in order {
      let path = labels.indices.filter { labels[$0] == label }.map { row in
        "M\(SVGFile.number(places[row].x)) \(SVGFile.number(places[row].y))h0"
      }.joined()
      guard !path.isEmpty else { continue }
      html.shape(
        "path",
        [
          "d": path, "stroke": palette.color(of: label).hex,
          "stroke-width": label == target ? "6" : "4.6", "stroke-linecap": "round",
        ])
    }
    let triangles = places[labels.count...].map { Self.triangle($0.x, $0.y) }.joined()
    if !triangles.isEmpty { html.shape("path", ["class": "triggered", "d": triangles]) }
  }

  /// All points within the frame, one scale for both directions.
  private var places: [(x: Double, y: Double)] {
    let points = (0..<positions.rows).map { (Double(positions[$0][0]), Double(positions[$0][1])) }
    let (xs, ys) = (points.map(\.0), points.map(\.1))
    let (left, right) = (xs.min() ?? 0, xs.max() ?? 0)
    let (low, high) = (ys.min() ?? 0, ys.max() ?? 0)
    let extent = max(right - left, high - low)
    let scale = extent > 0 ? (Self.side - 24) / extent : 0
    return points.map { x, y in
      (
        Self.side / 2 + (x - (left + right) / 2) * scale,
        Self.side / 2 - (y - (low + high) / 2) * scale
      )
    }
  }

  /// A triangle around a place.
  static func triangle(_ x: Double, _ y: Double) -> String {
    "M\(SVGFile.number(x)) \(SVGFile.number(y - 3.8))l3.3 5.7h-6.6z"
  }
}

extension Color {
  /// The colour as style sheets write it.
  var hex: String {
    let digits = String(code, radix: 16)
    return "#" + String(repeating: "0", count: max(6 - digits.count, 0)) + digits
  }
}
