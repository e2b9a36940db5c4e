import Foundation

/// A page of its own: head, style, sections that a list at its top leads to, and where it is from.
struct ReportPage {
  /// A part of the page below a heading.
  struct Section {
    let id: String
    let title: String
    let body: HTMLText
  }

  let title: String
  /// A sentence below the title.
  let lead: String
  /// What stands above all sections.
  var summary = HTMLText()
  var sections: [Section] = []
  /// Sentences at the end.
  var footer: [String] = []

  /// Adds a section, of which nothing is left out where `body` adds nothing.
  mutating func add(_ title: String, _ body: (inout HTMLText) -> Void) {
    var html = HTMLText()
    body(&html)
    guard !html.markup.isEmpty else { return }
    sections.append(Section(id: "part-\(sections.count + 1)", title: title, body: html))
  }

  /// The whole page.
  var html: String {
    var page = HTMLText()
    page.addMarkup("<!DOCTYPE html>\n")
    page.tag("html", ["lang": "en"]) { html in
      html.tag("head", [:], head)
      html.tag("body") { html in
        html.tag("header", [:], top)
        html.tag("main") { html in
          html.add(summary)
          for section in sections {
            html.tag("section", ["aria-labelledby": section.id]) { html in
              html.tag("h2", ["id": section.id], text: section.title)
              html.add(section.body)
            }
          }
        }
        html.tag("footer") { html in for line in footer { html.paragraph(line) } }
      }
    }
    return page.markup
  }

  private func head(_ html: inout HTMLText) {
    html.void("meta", ["charset": "utf-8"])
    html.void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
    html.void("meta", ["name": "color-scheme", "content": "light dark"])
    html.tag("title", text: title)
    html.tag("style") { $0.addMarkup(PageStyle.sheet) }
  }

  private func top(_ html: inout HTMLText) {
    html.tag("h1", text: title)
    html.paragraph(lead, ["class": "lead"])
    guard sections.count > 1 else { return }
    html.tag("nav", ["aria-label": "Parts of this page"]) { html in
      html.tag("ul") { html in
        for section in sections {
          html.tag("li") { $0.tag("a", ["href": "#\(section.id)"], text: section.title) }
        }
      }
    }
  }
}
