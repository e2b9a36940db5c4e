#!/usr/bin/env python3
"""Loads report pages in headless Chromium, as a phone and as a desktop, light and dark.

    scripts/check_page.py [--shots FOLDER] PAGE...

Prints what falls short, a line each, and nothing where all holds: no script and nothing from the
network in the page; no console error; no horizontal scrolling of the page at 390 and 1280 pixels
with all details open; one h1, headings that skip no level, ids that are there once, links that lead
somewhere; tables with a caption and header cells; pictures and drawings with a text in their place;
WCAG AA contrast of every text. With --shots it leaves a picture of each. Exit status 1 where
anything falls short, 77 without a browser.
"""

import argparse
import http.server
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
WIDTHS = [390, 1280]
SCHEMES = {"light": 1, "dark": 0}

# The page stands in a frame of the width that is asked for: a headless window has a least width.
WRAPPER = """<!DOCTYPE html><html lang="en"><title>check</title><style>body{margin:0}</style>
<iframe id="page" src="/page.html" style="border:0;width:WIDTHpx;height:900px"></iframe>
<pre id="result"></pre><script>
const RESULT = document.getElementById("result");
const luminance = c => {
  const f = c.slice(0, 3).map(v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 });
  return .2126 * f[0] + .7152 * f[1] + .0722 * f[2];
};
const parse = text => {
  const n = (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  return n.length > 3 ? n : [...n, 1];
};
const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
const ground = (element, view) => {
  const layers = [];
  for (let e = element; e; e = e.parentElement) {
    const c = parse(view.getComputedStyle(e).backgroundColor);
    layers.push(c);
    if (c[3] === 1) break;
  }
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
};
document.getElementById("page").addEventListener("load", event => {
  const view = event.target.contentWindow, page = view.document, problems = [];
  page.querySelectorAll("details").forEach(d => { d.open = true });
  const width = page.documentElement.scrollWidth;
  if (width > view.innerWidth) {
    const wide = [...page.querySelectorAll("main *")].filter(e =>
      e.getBoundingClientRect().right > view.innerWidth + 1 && !e.closest(".scroll"));
    problems.push(`scrolls sideways: ${width} of ${view.innerWidth} pixels`
      + wide.slice(0, 3).map(e => `, <${e.tagName.toLowerCase()} class="${e.getAttribute("class")}">`).join(""));
  }
  const levels = [...page.querySelectorAll("h1,h2,h3,h4,h5,h6")].map(h => Number(h.tagName[1]));
  if (levels.filter(l => l === 1).length !== 1) problems.push("expected one h1");
  levels.forEach((l, i) => { if (i && l > levels[i - 1] + 1) problems.push(`h${l} after h${levels[i - 1]}`) });
  const ids = [...page.querySelectorAll("[id]")].map(e => e.id);
  if (new Set(ids).size !== ids.length) problems.push("an id stands twice");
  page.querySelectorAll('a[href^="#"]').forEach(a => {
    if (!page.getElementById(a.getAttribute("href").slice(1))) problems.push(`${a.href} leads nowhere`);
  });
  page.querySelectorAll("table").forEach(t => {
    if (!t.caption || !t.querySelector("th")) problems.push("a table without caption or header cells");
  });
  page.querySelectorAll("img").forEach(i => {
    if (!i.alt) problems.push("a picture without a text in its place");
    if (!i.naturalWidth) problems.push(`a picture that is none: ${i.alt}`);
  });
  page.querySelectorAll("svg").forEach(s => {
    if (!s.getAttribute("aria-label") && s.getAttribute("aria-hidden") !== "true")
      problems.push("a drawing without a label");
  });
  const seen = new Set();
  const walker = page.createTreeWalker(page.body, view.NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("title") || !element.getClientRects().length)
      continue;
    const style = view.getComputedStyle(element), back = ground(element, view);
    const color = parse(element.closest("svg") ? style.fill : style.color);
    const [a, b] = [luminance(over(color, back)), luminance(back)];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const size = parseFloat(style.fontSize), isLarge = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
    if (ratio < (isLarge ? 3 : 4.5)) {
      const what = `contrast ${ratio.toFixed(2)} of "${walker.currentNode.data.trim().slice(0, 30)}"`
        + ` in <${element.tagName.toLowerCase()} class="${element.getAttribute("class") || ""}">`;
      if (!seen.has(what)) { seen.add(what); problems.push(what) }
    }
  }
  RESULT.textContent = JSON.stringify({
    problems, dark: view.matchMedia("(prefers-color-scheme: dark)").matches,
    title: page.title, lang: page.documentElement.lang, height: page.documentElement.scrollHeight,
    headings: page.querySelectorAll("h2").length, tables: page.querySelectorAll("table").length,
  });
});
</script>"""


def browser():
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the page and its frame, and notes what else is asked for."""

    def do_GET(self):
        self.server.asked.append(self.path)
        body = self.server.files.get(self.path)
        self.send_response(204 if body is None else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


def chromium(program, scheme, *arguments):
    with tempfile.TemporaryDirectory() as profile:
        return subprocess.run(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--hide-scrollbars", "--enable-logging=stderr", f"--user-data-dir={profile}",
             f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", *arguments],
            capture_output=True, text=True, timeout=120)


def static_problems(text):
    """What can be said without a browser."""
    rules = [
        (r"<script|\son\w+\s*=\s*\"|javascript:", "it has a script"),
        (r"(?:src|href)\s*=\s*[\"'](?:https?:)?//|@import|url\(\s*[\"']?https?:",
         "it refers to the network"),
    ]
    found = [words for rule, words in rules if re.search(rule, text)]
    if not text.startswith("<!DOCTYPE html>"):
        found.append("no doctype")
    needed = ["<html lang", "<title>", "viewport", "prefers-color-scheme"]
    return found + [f"no {word}" for word in needed if word not in text]


def check(program, path, shots):
    """The problems of the page at `path`, as lines."""
    text = path.read_text(encoding="utf-8")
    problems = static_problems(text)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.files, server.asked = {"/page.html": text.encode()}, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    for width in WIDTHS:
        for scheme in SCHEMES:
            place = f"{width} pixels, {scheme}"
            server.files["/"] = WRAPPER.replace("WIDTH", str(width)).encode()
            done = chromium(program, scheme, "--window-size=1400,1000",
                            "--virtual-time-budget=20000", "--dump-dom", address + "/")
            found = re.search(r'<pre id="result">(\{.*?\})</pre>', done.stdout, re.DOTALL)
            if not found:
                problems.append(f"{place}: the browser gave no answer: {done.stderr[-200:]}")
                continue
            answer = json.loads(found.group(1).replace("&lt;", "<").replace("&gt;", ">")
                                .replace("&amp;", "&"))
            problems += [f"{place}: {problem}" for problem in answer["problems"]]
            problems += [f"{place}: console: {line}" for line in done.stderr.splitlines()
                         if "CONSOLE" in line]
            if answer["dark"] != (scheme == "dark"):
                problems.append(f"{place}: the browser did not take the scheme")
            if not answer["headings"] or not answer["tables"]:
                problems.append(f"{place}: expected headings and tables, found "
                                f"{answer['headings']} and {answer['tables']}")
            if shots:
                shot = shots / f"{path.resolve().parent.name}-{path.stem}-{width}-{scheme}.png"
                server.files["/"] = WRAPPER.replace("WIDTH", str(width)).replace(
                    "900px", f"{answer['height']}px").replace("d.open = true", "").encode()
                chromium(program, scheme, f"--window-size={max(width, 500)},{min(answer['height'], 8000)}",
                         "--virtual-time-budget=20000", f"--screenshot={shot}", address + "/")
    server.shutdown()
    others = {path for path in server.asked} - {"/", "/page.html", "/favicon.ico"}
    return problems + [f"it asks for {path}" for path in sorted(others)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shots", type=pathlib.Path, help="a folder for pictures")
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    program = browser()
    if not program:
        print(f"no browser is there, none of {', '.join(BROWSERS)}", file=sys.stderr)
        return 77
    if arguments.shots:
        arguments.shots.mkdir(parents=True, exist_ok=True)
    lines = [f"{page}: {problem}" for page in arguments.pages
             for problem in check(program, page, arguments.shots)]
    print("\n".join(lines), end="\n" if lines else "")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
