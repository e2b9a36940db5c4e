#!/usr/bin/env python3
"""Compares `fst bench step` and `evaluate` with PyTorch's on this machine, in the same minutes.

    swift build -c release
    python3 bench/compare_pytorch.py --table --rounds 5 --steps 4   # docs/speed.md's table: 20 minutes
    python3 bench/compare_pytorch.py --width 64 --batch_size 128 --threads 2 --rounds 5 --steps 5
    python3 bench/compare_pytorch.py --model vgg19_bn --layouts channels_last
    python3 bench/compare_pytorch.py --precision int16 --layouts channels_last autocast

Needs PyTorch (2.13 was used); --python names one that has it, --fst another program than
.build/release/fst. One step is forward, cross-entropy, backward and SGD with momentum 0.9 and
weight decay 5e-4 on a fixed random batch of 32x32 images, a ResNet18 (or --model) of the given
width, 10 classes;
an evaluation is a forward pass with running statistics, PyTorch's without gradients.

Each round runs fst, PyTorch in its default layout and PyTorch in channels_last one after the other,
each in a process of its own with two steps of warm-up, in an order that rotates from round to
round: a busy minute then touches all of them. A round's ratio is PyTorch's median step over fst's;
the table gives the median of the rounds' ratios and their range. CPU time is the sum over threads,
and on a machine with other work it is the figure to trust.

Before timing, the PyTorch model's losses are checked against Tests/Goldens/resnet18_width4.json, so
that both sides are known to compute the same network.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GOLDENS = os.path.join(ROOT, "Tests", "Goldens")
LAYOUTS = ("default", "channels_last")
# Besides the layouts: channels_last under torch.autocast("cpu", dtype=torch.bfloat16).
CONTESTANTS = (*LAYOUTS, "autocast")
# What docs/speed.md's table shows: kind, width, batch size, threads.
TABLE = [
    ("step", 64, 128, 2), ("step", 64, 128, 1), ("step", 64, 64, 2), ("step", 64, 64, 1),
    ("step", 16, 128, 2), ("evaluate", 64, 128, 2), ("evaluate", 64, 128, 1),
    ("evaluate", 16, 128, 2)]


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="The header of this file says more.")
    parser.add_argument("--table", action="store_true", help="all cases of docs/speed.md's table")
    parser.add_argument("--kind", choices=("step", "evaluate"), default="step")
    parser.add_argument("--model", default="resnet18",
                        choices=("resnet18", "preactresnet18", "resnet50", "vgg19_bn"))
    parser.add_argument("--width", type=int, default=64, help="planes of the first stage")
    parser.add_argument("--batch_size", type=int, default=128, help="images per step")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5, help="timed steps per process")
    parser.add_argument("--rounds", type=int, default=5, help="processes per contestant")
    parser.add_argument("--layouts", nargs="+", choices=CONTESTANTS, default=LAYOUTS)
    parser.add_argument("--precision", choices=("auto", "float32", "int16"), default="float32",
                        help="what fst's convolutions multiply")
    parser.add_argument("--fst", default=os.path.join(ROOT, ".build", "release", "fst"))
    parser.add_argument("--python", default=sys.executable, help="an interpreter with PyTorch")
    parser.add_argument("--json", action="store_true", help="every measurement as JSON, too")
    parser.add_argument("--worker", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


# PyTorch's side, each in a process of its own

def check_model():
    """Ends the process unless three SGD steps have the losses of the goldens."""
    sys.path.insert(0, GOLDENS)  # the model and its formula live with the goldens
    import generate
    import torch
    with open(os.path.join(GOLDENS, "resnet18_width4.json")) as file:
        expected = json.load(file)["sgd"]["losses"]
    losses = generate.plain_training("resnet18", torch.float32)["losses"]
    if any(abs(a - b) > 1e-5 * abs(b) for a, b in zip(losses, expected)):
        sys.exit(f"compare_pytorch: losses {losses} are not the goldens' {expected}")


def spread(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def time_pytorch(options):
    sys.path.insert(0, GOLDENS)
    import models
    import torch
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    layout = torch.contiguous_format if options.worker == "default" else torch.channels_last
    model = models.build(options.model, options.width).to(memory_format=layout)
    model.train(options.kind == "step")
    images = torch.randn(options.batch_size, 3, 32, 32).to(memory_format=layout)
    labels = torch.randint(10, (options.batch_size,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)

    def loss_of_batch():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.worker == "autocast"):
            logits = model(images)
        return torch.nn.functional.cross_entropy(logits.float(), labels)

    def train():
        optimizer.zero_grad()
        loss = loss_of_batch()
        loss.backward()
        optimizer.step()
        return loss

    @torch.no_grad()
    def evaluate():
        return loss_of_batch()

    run = train if options.kind == "step" else evaluate
    walls, processors = [], []
    for step in range(options.steps + 2):
        wall, processor = time.perf_counter(), time.process_time()
        loss = run()
        if step >= 2:
            walls.append(time.perf_counter() - wall)
            processors.append(time.process_time() - processor)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({
        "images_per_second": options.batch_size / statistics.median(walls),
        "seconds_per_step": spread(walls), "cpu_seconds_per_step": spread(processors),
        "peak_rss_bytes": peak, "loss": loss.item(), "version": torch.__version__}))


# The comparison

def measure(contestant, case, options):
    """One process's report: the last line of its standard output."""
    kind, width, batch_size, threads = case
    flags = ["--model", options.model, "--width", width, "--batch_size", batch_size, "--threads", threads,
             "--steps", options.steps]
    if contestant == "fst":
        command = [options.fst, "bench", kind, "--json", "--precision", options.precision, *flags]
    else:
        command = [options.python, os.path.abspath(__file__), "--worker", contestant,
                   "--kind", kind, *flags]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=environment)
    if done.returncode != 0 or not done.stdout.strip():
        said = done.stderr.strip()[-500:]
        sys.exit(f"compare_pytorch: {contestant} ended with {done.returncode}: {said}")
    report = json.loads(done.stdout.strip().splitlines()[-1])
    if not report["loss"] == report["loss"]:
        sys.exit(f"compare_pytorch: {contestant} reports the loss {report['loss']}")
    return report


def in_range(values, form):
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:{form}} ({low:{form}} to {high:{form}})"


HEADER = ["| | images/s | wall s | CPU s | peak MB | wall ratio | CPU ratio | memory, fst/PyTorch |",
          "|---|---|---|---|---|---|---|---|"]


def table(case, rounds, contestants):
    """Rows of Markdown, one per contestant; ratios over the rounds, fst's own row has none."""
    kind, width, batch_size, threads = case
    lines = []
    for name in contestants:
        reports = [entry[name] for entry in rounds]
        of = lambda key, entries: [report[key]["median"] for report in entries]
        memory = lambda entries: max(report["peak_rss_bytes"] for report in entries)
        mine = [entry["fst"] for entry in rounds]
        cells = [
            in_range([report["images_per_second"] for report in reports], ".1f"),
            in_range(of("seconds_per_step", reports), ".3f"),
            in_range(of("cpu_seconds_per_step", reports), ".3f"), f"{memory(reports) / 1e6:.0f}"]
        for key in ("seconds_per_step", "cpu_seconds_per_step"):
            ratios = [theirs / ours for theirs, ours in zip(of(key, reports), of(key, mine))]
            cells.append("" if name == "fst" else in_range(ratios, ".2f"))
        cells.append("" if name == "fst" else f"{memory(mine) / memory(reports):.2f}")
        label = f"PyTorch {reports[0].get('version')} {name}"
        if name == "fst":
            label = f"{kind}, width {width}, batch {batch_size}, {threads} threads: fst"
        lines.append("| " + " | ".join([label, *cells]) + " |")
    return lines


def run_case(case, contestants, options):
    """The reports of all rounds, each a dictionary by contestant."""
    rounds = []
    for number in range(options.rounds):
        shift = number % len(contestants)
        order = contestants[shift:] + contestants[:shift]
        entry = {name: measure(name, case, options) for name in order}
        rounds.append(entry)
        said = ", ".join(f"{name} {entry[name]['seconds_per_step']['median']:.3f} s"
                         for name in contestants)
        print(f"{case}, round {number + 1} of {options.rounds}: {said}", file=sys.stderr)
    return rounds


def main():
    options = arguments()
    if options.check:
        return check_model()
    if options.worker:
        return time_pytorch(options)
    if not os.access(options.fst, os.X_OK):
        sys.exit(f"compare_pytorch: no program at {options.fst}: swift build -c release")
    checked = subprocess.run([options.python, os.path.abspath(__file__), "--check"])
    if checked.returncode != 0:
        sys.exit(checked.returncode)
    contestants = ["fst", *options.layouts]
    one = (options.kind, options.width, options.batch_size, options.threads)
    cases = TABLE if options.table else [one]
    measured = [(case, run_case(case, contestants, options)) for case in cases]
    print(f"n = {options.rounds} processes of {options.steps} timed passes each; medians (range); "
          "ratio: PyTorch over fst\n")
    print("\n".join(HEADER + [line for case, rounds in measured
                              for line in table(case, rounds, contestants)]))
    if options.json:
        print(json.dumps({"options": vars(options), "cases": [
            {"case": case, "rounds": rounds} for case, rounds in measured]}))


if __name__ == "__main__":
    sys.exit(main())
