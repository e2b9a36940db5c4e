#!/usr/bin/env python3
"""Checks README.md and docs/: links lead somewhere, few sentences are long, commands can be tried.

A link's file has to be there, and its heading if it names one. At most 5 % of all sentences may have
more than 35 words; code, tables and headings are not counted. The README stays short. A command's
placeholders are those that try_documents.py fills in. `--list` prints the long sentences.
"""

import argparse
import pathlib
import re
import sys

import try_documents

ROOT = pathlib.Path(__file__).resolve().parent.parent
LONGEST_README = 150
LONG_SENTENCE = 35
ALLOWED_SHARE = 0.05

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def without_code(text):
    """The text with fenced and indented code blanked, so that lines keep their numbers."""
    lines, fenced = [], False
    for line in text.split("\n"):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            lines.append("")
        else:
            lines.append("" if fenced or line.startswith("    ") and not (lines and lines[-1].strip()) else line)
    return "\n".join(lines)


def anchors(text):
    """The names that headings can be linked by, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", without_code(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path, text):
    """(line, link) of each relative link that leads nowhere."""
    for match in LINK.finditer(without_code(text)):
        target = match.group(1)
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        place = (path.parent / name).resolve() if name else path
        found = place.exists()
        if found and anchor:
            found = place.suffix == ".md" and anchor in anchors(place.read_text())
        if not found:
            yield text.count("\n", 0, match.start()) + 1, target


def sentences(text):
    """The sentences of paragraphs and list items, as words."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", without_code(text))
    text = re.sub(r"`[^`]*`", "code", text)
    blocks, block = [], []
    for line in text.split("\n"):
        begins = re.match(r"\s*([-*]|\d+\.) ", line)
        if not line.strip() or begins or line.startswith(("#", "|")):
            blocks.append(block)
            block = []
        if line.strip() and not line.startswith(("#", "|")):
            block.append(line.strip()[len(begins.group().strip()) if begins else 0:])
    blocks.append(block)
    for block in blocks:
        for sentence in re.split(r"(?<=[.!?])(?<! al\.)[)\"*]*\s+", " ".join(block)):
            words = [word for word in sentence.split() if re.search(r"\w", word)]
            if words:
                yield words


def unknown_placeholders():
    """(file, line, word) of each placeholder that would reach a shell as it stands."""
    for name in try_documents.FILES:
        for line, command in try_documents.commands(ROOT / name):
            # A variable's own name, after $ or before =, is none.
            words = re.findall(r"(?<![\w$])[A-Z]{3,}\b(?!=)|<\w+>", try_documents.shortened(command))
            yield from ((name, line, word) for word in words)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="print the long sentences")
    arguments = parser.parse_args()
    pages = [ROOT / "README.md"] + sorted((ROOT / "docs").glob("*.md"))
    problems, count, long = [], 0, []
    for path in pages + [ROOT / "cluster/README.md", ROOT / "CHANGELOG.md"]:
        for line, link in broken_links(path, path.read_text()):
            problems.append(f"{path.relative_to(ROOT)}:{line}: {link} leads nowhere")
    for name, line, word in unknown_placeholders():
        known = ", ".join(sorted({key.split()[-1].strip("/") for key in try_documents.PLACEHOLDERS}))
        problems.append(
            f"{name}:{line}: {word} in a command is no placeholder of try_documents.py ({known})")
    for path in pages:
        own = list(sentences(path.read_text()))
        count += len(own)
        long += [(path, words) for words in own if len(words) > LONG_SENTENCE]
    if arguments.list:
        for path, words in long:
            print(f"{path.relative_to(ROOT)} ({len(words)} words): {' '.join(words)}")
    share = len(long) / max(count, 1)
    if share > ALLOWED_SHARE:
        problems.append(
            f"{len(long)} of {count} sentences have more than {LONG_SENTENCE} words, {share:.1%}; "
            f"at most {ALLOWED_SHARE:.0%} may: scripts/documents.py --list")
    lines = len((ROOT / "README.md").read_text().splitlines())
    if lines > LONGEST_README:
        problems.append(f"README.md has {lines} lines; it may have {LONGEST_README}")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
