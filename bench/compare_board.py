#!/usr/bin/env python3
"""Compares a sweep's results with BackdoorBench's published board, cell by cell.

    bench/compare_board.py record/board-cifar10/sweep/board-cifar10/results.csv

Of each cell (attack, rate, defence) that both have and whose attack took in ours (ASR of at least 0.8),
it says whether both call the backdoor removed (ASR below 0.2). The published figures are in
backdoorbench-cifar10.csv, in percent, of models that were trained for 100 epochs.
"""

import argparse
import collections
import csv
import pathlib
import sys

PUBLISHED = pathlib.Path(__file__).parent / "backdoorbench-cifar10.csv"
TOOK, REMOVED = 0.8, 0.2


def published(path):
    """(clean accuracy, attack success rate) by (attack, rate, defence), as shares."""
    with open(path) as file:
        return {
            (row["attack"], float(row["pratio"]), row["defence"]): (
                float(row["clean_accuracy"]) / 100, float(row["attack_success_rate"]) / 100)
            for row in csv.DictReader(file)
        }


def ours(path):
    """Means over seeds of (ASR before, clean accuracy after, ASR after) by (attack, rate, mode)."""
    found = collections.defaultdict(list)
    with open(path) as file:
        for row in csv.DictReader(file):
            if row["outcome"] == "done" and row["asr_after"]:
                found[row["attack"], float(row["pratio"]), row["mode"]].append(
                    [float(row[name]) for name in ("asr_before", "c_acc_after", "asr_after")])
    return {cell: [sum(part) / len(runs) for part in zip(*runs)] for cell, runs in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", help="results.csv of a sweep")
    parser.add_argument("--published", default=PUBLISHED, help="the board's figures")
    options = parser.parse_args()
    theirs = published(options.published)
    cells = [
        (cell, figures, theirs[cell]) for cell, figures in sorted(ours(options.results).items())
        if cell in theirs and figures[0] >= TOOK
    ]
    if not cells:
        sys.exit(f"{options.results}: expected cells that the published board has, found none")
    agreeing = 0
    print("| attack | poisoned | defence | ours: C-ACC / ASR | published | |\n|---|---|---|---|---|---|")
    for (attack, rate, defence), (_, accuracy, rest), (their_accuracy, their_rest) in cells:
        agrees = (rest < REMOVED) == (their_rest < REMOVED)
        agreeing += agrees
        print(
            f"| {attack} | {100 * rate:g} % | {defence} | {accuracy:.3f} / {rest:.3f} "
            f"| {their_accuracy:.3f} / {their_rest:.3f} | {'' if agrees else 'differs'} |")
    print(f"\n{agreeing} of {len(cells)} cells agree ({100 * agreeing / len(cells):.0f} %).")


if __name__ == "__main__":
    main()
