#!/usr/bin/env python3
"""Prints the manual page of a built fst, in roff, from what the program says of its own commands.

`scripts/man.py .build/release/fst > fst.1`; settings, defaults and texts are those of --help.
"""

import datetime
import json
import os
import subprocess
import sys
import textwrap


def escape(text):
    """Text as roff takes it: no character of it is a command or a typographic sign."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("^", "\\(ha").replace("~", "\\(ti")
    text = text.replace("`", "\\(ga").replace("'", "\\(aq")
    return "".join(c if ord(c) < 128 else f"\\[u{ord(c):04X}]" for c in text)


def filled(text):
    """A paragraph in short lines."""
    lines = textwrap.wrap(text, 66, break_long_words=False, break_on_hyphens=False)
    return "\n".join(("\\&" if line[:1] in ".'" else "") + escape(line) for line in lines)


def discussion(text):
    """Paragraphs, and what is indented as it is."""
    parts, indented = [], None
    for line in text.split("\n"):
        kind = None if not line.strip() else line.startswith("  ")
        if kind is None:
            indented = None
        elif kind == indented:
            parts[-1][1].append(line)
        else:
            parts.append((kind, [line]))
            indented = kind
    out = []
    for is_indented, lines in parts:
        if is_indented:
            out += [".PP", ".nf"] + ["\\&" + escape(line) for line in lines] + [".fi"]
        else:
            out += [".PP", filled(" ".join(lines))]
    return out


def dashed(name):
    prefix = {"long": "--", "short": "-", "longWithSingleDash": "-"}[name["kind"]]
    return "\\fB" + escape(prefix + name["name"]) + "\\fR"


def option(argument):
    """An argument of a command: its names and its value, and below them what it decides."""
    value = f"\\fI{escape(argument['valueName'])}\\fR"
    if argument["kind"] == "positional":
        head = value
    else:
        head = ", ".join(dashed(name) for name in argument["names"])
        if argument["kind"] == "option":
            head += " " + value
    return [".TP", head, filled(argument.get("abstract", ""))]


def shown(command):
    names = ("help", "version")
    return [argument for argument in command.get("arguments", [])
            if argument.get("shouldDisplay", True) and argument["valueName"] not in names]


def section(command, words):
    """A command with all its options, by the sections of its help."""
    positional = [f"\\fI{escape(a['valueName'])}\\fR" for a in shown(command)
                  if a["kind"] == "positional"]
    out = [f".SH {escape(' '.join(words)).upper()}", filled(command.get("abstract", "")), ".PP",
           " ".join(["\\fB" + escape(" ".join(words)) + "\\fR"] + positional + ["[options]"])]
    out += discussion(command.get("discussion", ""))
    title = None
    for argument in shown(command):
        if argument.get("sectionTitle") != title:
            title = argument.get("sectionTitle")
            if title:
                out.append(f".SS {escape(title)}")
        out += option(argument)
    return out


def page(program):
    def run(*words):
        return subprocess.run([program, *words], check=True, capture_output=True, text=True).stdout

    root = json.loads(run("--experimental-dump-help"))["command"]
    commands = [c for c in root["subcommands"] if c["commandName"] != "help"]
    built = os.environ.get("SOURCE_DATE_EPOCH") or os.path.getmtime(program)
    date = datetime.datetime.fromtimestamp(float(built), datetime.timezone.utc).date()
    name = root["abstract"].rstrip(".")
    out = [f'.TH FST 1 "{date}" "fst {run("--version").strip()}" "User Commands"', ".SH NAME",
           "fst \\- " + filled(name[:1].lower() + name[1:]),
           ".SH SYNOPSIS", "\\fBfst\\fR \\fIcommand\\fR [options]", ".br",
           "\\fBmpirun \\-np\\fR \\fIranks\\fR \\fBfst\\fR \\fIcommand\\fR [options]",
           ".SH DESCRIPTION"]
    out += discussion(root["discussion"])[1:]
    out += [".PP", "The commands, each with its own section below:"]
    for command in commands:
        out += [".TP", f"\\fBfst {command['commandName']}\\fR", filled(command["abstract"])]
    out += [".SH OPTIONS", ".TP", "\\fB\\-h\\fR, \\fB\\-\\-help\\fR",
            "What the program or a command does, with all its options.",
            ".TP", "\\fB\\-\\-version\\fR", "The version."]
    for command in commands:
        out += section(command, ["fst", command["commandName"]])
    return "\n".join(line for line in out if line) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page(sys.argv[1]))
