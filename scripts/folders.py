#!/usr/bin/env python3
"""Checks that the folders of Sources/Core only look down: no type of a folder above is named below.

A folder's types are the ones its files declare at the top level; a reference is such a name as a
word in another folder's code, comments and text left out. `--list` prints who imports whom.
"""

import argparse
import pathlib
import re
import sys

# The order, from the bottom up: a folder may name types of the folders before it, and of no other.
ORDER = """
    Text Files Random Tensor Machine Config Kernels Metrics
    Archive Dataset Drawing Poison Loader
    Model Networks Optimizer Loss
    Settings Training Recording
    Attacks Evaluation Defences Analysis
    Decoding Benchmark Doctor Sweep Report
""".split()

# References upwards that are still there, as (folder, folder above it): to shrink to nothing.
ALLOWED_YET = set()

DECLARATION = re.compile(
    r"^([ \t]*)(?:@\w+(?:\([^)]*\))?\s+)*((?:(?:public|package|internal|private|fileprivate|final"
    r"|indirect)\s+)*)(?:struct|class|enum|protocol|actor|typealias)\s+(\w+)", re.MULTILINE)
NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|#*"""(?:\\.|[^\\])*?"""#*|"(?:\\.|[^"\\\n])*"', re.DOTALL)


def blank(match):
    """The same lines without comment or text, except for the code that a text interpolates."""
    text = match.group()
    if text.startswith("/"):
        return "\n" * text.count("\n")
    code = re.findall(r"\\\(((?:[^()\n]|\([^()\n]*\))*)\)", text)
    return " " + " ".join(code) + "\n" * text.count("\n")


def read(root):
    """The code of each folder's files, by folder and path."""
    files = {}
    for path in sorted(root.rglob("*.swift")):
        folder = path.relative_to(root).parts[0]
        files.setdefault(folder, {})[path] = NOT_CODE.sub(blank, path.read_text())
    return files


def references(files):
    """(folder, folder of the type) to a list of (path, line, type)."""
    home, inner = {}, set()
    for folder, codes in files.items():
        for code in codes.values():
            for indent, modifiers, name in DECLARATION.findall(code):
                if indent or "private" in modifiers:
                    inner.add((folder, name))  # within a type or a file, where it hides others
                else:
                    home[name] = folder
    found = {}
    for folder, codes in files.items():
        for path, code in codes.items():
            for number, line in enumerate(code.splitlines(), 1):
                for name in set(re.findall(r"\w+", line)):
                    if home.get(name, folder) != folder and (folder, name) not in inner:
                        found.setdefault((folder, home[name]), []).append((path, number, name))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="print who imports whom")
    arguments = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parent.parent / "Sources/Core"
    files = read(root)
    found = references(files)
    if arguments.list:
        for folder in ORDER:
            below = [f"{other} ({len(found[folder, other])})" for other in ORDER
                     if (folder, other) in found]
            print(f"{folder:10} {', '.join(below) or '-'}")
    failed = False
    for folder in sorted(set(files) - set(ORDER)):
        print(f"Sources/Core/{folder}: this folder is not in the order of {__file__}")
        failed = True
    place = {folder: index for index, folder in enumerate(ORDER)}
    for (folder, other), lines in sorted(found.items()):
        if place.get(folder, 0) < place.get(other, 0) and (folder, other) not in ALLOWED_YET:
            failed = True
            for path, number, name in lines:
                print(f"{path.relative_to(root.parent.parent)}:{number}: {folder} must not look up "
                      f"to {other}, found {name}")
    for folder, other in sorted(set(ALLOWED_YET) - set(found)):
        print(f"{folder} looks up to {other} no more: take the pair off the list of what is allowed")
        failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
