import Foundation

/// A few triggered test images of a run's folder, with what they were made from and the difference
/// where the clean test images are at hand.
struct TriggerGallery {
  /// One image as it is shown.
  fileprivate struct Picture {
    let label: Int
    let index: Int
    let triggered: RGBImage
    var original: RGBImage?
    var difference: [Int] = []
  }

  private static let columns = 8
  /// Larger images are made smaller to this side.
  private static let largestSide = 96

  private var pictures: [Picture] = []
  private var classNames: [String] = []
  /// By what differences are multiplied so that they can be seen.
  private var factor = 1

  /// Whether there is no picture.
  var isEmpty: Bool { pictures.isEmpty }

  /// Pictures of the triggered images in `folder`, the first of each class, as far as they can be
  /// read.
  init(folder: String, originals: LabeledImages?) {
    for (label, index, path) in Self.choice(in: folder) {
      guard let image = try? ImageFile.read(path) else { continue }
      var picture = Picture(label: label, index: index, triggered: image)
      if let originals, index < originals.count, originals.labels[index] == label,
        originals.width == image.width, originals.height == image.height, originals.channels == 3
      {
        let pixels = Array(originals.pixels[originals.range(of: index)])
        picture.original = RGBImage(pixels: pixels, width: image.width, height: image.height)
        picture.difference = zip(pixels, image.pixels).map { abs(Int($0) - Int($1)) }
      }
      pictures.append(picture)
    }
    classNames = originals?.classNames ?? []
    factor = max(255 / max(pictures.flatMap(\.difference).max() ?? 0, 1), 1)
  }

  /// Label, index and path of up to `columns` images: one of each class, then a second of each.
  private static func choice(in folder: String) -> [(label: Int, index: Int, path: String)] {
    let labels = numbers(in: folder, ending: "").sorted()
    let images = labels.prefix(1000).map { label in
      numbers(in: "\(folder)/\(label)", ending: ".png").sorted().prefix(columns).map { index in
        (label: label, index: index, path: "\(folder)/\(label)/\(index).png")
      }
    }
    var chosen: [(label: Int, index: Int, path: String)] = []
    for round in 0..<columns {
      for list in images where list.count > round && chosen.count < columns {
        chosen.append(list[round])
      }
    }
    return chosen.sorted { ($0.label, $0.index) < ($1.label, $1.index) }
  }

  private static func numbers(in folder: String, ending: String) -> [Int] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(ending) }.compactMap {
      Int($0.dropLast(ending.count)).flatMap { $0 >= 0 ? $0 : nil }
    }
  }

  /// Adds the pictures as a table: a column for each image, a row for each of its states.
  func add(to html: inout HTMLText) {
    guard !pictures.isEmpty else { return }
    html.scrolling("Pictures of the trigger") { html in
      html.tag("table", ["class": "pictures"]) { html in
        html.tag(
          "caption", text: "Test images with the trigger, as the folder keeps them.")
        html.tag("thead") { html in
          html.tag("tr") { html in
            html.tag("td", text: "")
            for picture in pictures { html.tag("th", ["scope": "col"], text: name(picture)) }
          }
        }
        html.tag("tbody") { html in
          if pictures.contains(where: { $0.original != nil }) {
            addRow("before", \.original, to: &html)
          }
          addRow("triggered", \.shownTriggered, to: &html)
          if pictures.contains(where: { !$0.difference.isEmpty }) {
            addDifferences(to: &html)
          }
        }
      }
    }
  }

  private func name(_ picture: Picture) -> String {
    let name = classNames.indices.contains(picture.label) ? classNames[picture.label] : nil
    return "\(name ?? "class \(picture.label)"), \(picture.index)"
  }

  private func addRow(
    _ title: String, _ path: KeyPath<Picture, RGBImage?>, to html: inout HTMLText
  ) {
    html.tag("tr") { html in
      html.tag("th", ["scope": "row"], text: title)
      for picture in pictures {
        html.tag("td") { html in add(picture[keyPath: path], "\(name(picture)), \(title)", &html) }
      }
    }
  }

  private func addDifferences(to html: inout HTMLText) {
    let title = "difference × \(factor)"
    html.tag("tr") { html in
      html.tag("th", ["scope": "row"], text: title)
      for picture in pictures {
        let pixels = picture.difference.map { UInt8(clamping: $0 * factor) }
        let image = picture.triggered
        let shown =
          pixels.isEmpty
          ? nil : RGBImage(pixels: pixels, width: image.width, height: image.height)
        html.tag("td") { html in add(shown, "\(name(picture)), \(title)", &html) }
      }
    }
  }

  private func add(_ image: RGBImage?, _ alt: String, _ html: inout HTMLText) {
    guard let image, let uri = InlinePicture.uri(of: image, largestSide: Self.largestSide) else {
      return
    }
    html.void("img", ["src": uri, "alt": alt, "width": "88", "height": "88"])
  }
}

extension TriggerGallery.Picture {
  fileprivate var shownTriggered: RGBImage? { triggered }
}

/// Pictures within a page, as `data:` addresses.
enum InlinePicture {
  /// `image` as a PNG whose longer side is at most `largestSide`; nil where it cannot be written.
  static func uri(of image: RGBImage, largestSide: Int) -> String? {
    let longer = max(image.width, image.height)
    var shown = image
    if longer > largestSide {
      let scale = Double(largestSide) / Double(longer)
      shown = ImageResize.bilinear(
        image, width: max(Int(Double(image.width) * scale), 1),
        height: max(Int(Double(image.height) * scale), 1))
    }
    let bytes = try? shown.pixels.withUnsafeBufferPointer {
      try ImageFile.encodePNG($0, width: shown.width, height: shown.height, path: "the page")
    }
    return bytes.map(uri)
  }

  /// The picture in the file at `path`, written anew as a PNG; nil where it cannot be read.
  static func uri(ofFile path: String) -> String? {
    guard let image = try? ImageFile.read(path) else { return nil }
    return uri(of: image, largestSide: 1600)
  }

  private static func uri(_ png: [UInt8]) -> String {
    "data:image/png;base64," + Data(png).base64EncodedString()
  }
}
