#!/usr/bin/env python3
"""How a training step scales from 4 to 1,024 ranks, by a model fed with measurements.

    cluster/simulate_scaling.py                    the table; measurements from scaling.json
    cluster/simulate_scaling.py --svg scaling.svg  and the plot
    cluster/simulate_scaling.py --check            the model against the measured steps

The model (alpha-beta): a ring all-reduce of b bytes over n ranks is 2 (n - 1) messages, one after
the other, of b / n bytes each, so it takes

    T(b, n) = 2 (n - 1) (alpha + b / (n beta))

where alpha is the latency of a message in seconds and beta the bytes per second that a link carries
one way: its rate times the share that was measured. Gradients become ready during backward in
buckets, bucket k at time r(k) after the step's begin, and those that the step before deferred at
once; one thread reduces bucket after bucket, so

    end(k) = max(r(k), end(k - 1)) + T(b(k), n)
    step   = max(r(last), end(last)) + update,     compute = r(last) + update
    efficiency = compute / step

Communication takes processor time too: `cpu_seconds_per_byte` for each byte that a rank sends, by
which compute is longer wherever there is more than one rank. What the model leaves out: forwards
shorter than the sum of deferred buckets, ranks that differ in speed, switches with less capacity
than their ports together, other traffic.

scaling.json, written by bench/measure_cluster.py, holds under "model" these figures: buckets
[[bytes, seconds until ready], ...], seconds of the update, alpha, wire_share, cpu_seconds_per_byte;
under "measured" the steps to check against. Every figure can be replaced: --model FILE.
"""
import argparse
import json
import math
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
RANKS = [4, 8, 16, 32, 64, 128, 256, 512, 1024]
RATES = {"1 Gbit/s": 1e9, "10 Gbit/s": 10e9, "25 Gbit/s": 25e9}


def all_reduce(size, ranks, alpha, beta):
    """Seconds of a ring all-reduce of `size` bytes."""
    return 2 * (ranks - 1) * (alpha + size / (ranks * beta))


def step(model, ranks, rate, slowdown=1.0):
    """Seconds of compute, of the step, and of communication that computation did not hide.

    `rate` is the link's in bit/s; `slowdown` stretches compute, where ranks share cores.
    """
    beta = rate / 8 * model["wire_share"]
    sent = sum(size for size, _ in model["buckets"]) * 2 * (ranks - 1) / ranks
    busy = model["cpu_seconds_per_byte"] * sent if ranks > 1 else 0
    computing = model["buckets"][-1][1] * slowdown
    stretch = slowdown * (computing + busy) / computing
    end = 0.0
    for size, ready in model["buckets"]:
        end = max(end, ready * stretch)
        if ranks > 1:
            end += all_reduce(size, ranks, model["alpha"], beta)
    last = model["buckets"][-1][1] * stretch
    update = model["update"] * slowdown
    return computing + update, max(end, last) + update, max(0.0, end - last)


def table(model, batch):
    """Markdown: efficiency and images/s of each world at each rate."""
    lines = ["| ranks | " + " | ".join(f"{name}: efficiency | images/s" for name in RATES) + " |",
             "|---" * (1 + 2 * len(RATES)) + "|"]
    for ranks in RANKS:
        cells = []
        for rate in RATES.values():
            compute, seconds, _ = step(model, ranks, rate)
            cells += [f"{compute / seconds:.3f}", f"{ranks * batch / seconds:,.0f}"]
        lines.append(f"| {ranks} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def check(model, measured):
    """Markdown: each measured step beside the model's."""
    lines = ["| hosts | rate | alone, s | measured step, s | model, s | deviation |",
             "|---|---|---|---|---|---|"]
    for point in measured:
        alone = model["buckets"][-1][1] + model["update"]
        _, seconds, _ = step(model, point["ranks"], point["rate"], point["alone"] / alone)
        lines.append(
            f"| {point['ranks']} | {point['rate'] / 1e9:g} Gbit/s | {point['alone']:.3f} | "
            f"{point['step']:.3f} | {seconds:.3f} | {100 * (seconds / point['step'] - 1):+.1f} % |")
    return "\n".join(lines)


COLOURS = ["#0072b2", "#d55e00", "#009e73"]  # told apart without red and green


def plot(model, path):
    """Efficiency against ranks, both ends of the axis labelled, as an SVG of 640 x 400."""
    left, right, top, bottom = 62, 600, 40, 344
    x = lambda ranks: left + (right - left) * math.log2(ranks / RANKS[0]) / math.log2(
        RANKS[-1] / RANKS[0])
    y = lambda share: bottom - (bottom - top) * share
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 400" width="640" '
             'height="400" font-family="sans-serif" font-size="13">',
             '<rect width="640" height="400" fill="white"/>',
             f'<text x="{left}" y="22" font-size="15">Weak scaling, modelled: '
             f'ResNet18 of width 64, 64 images a rank and step</text>']
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(f'<line x1="{left}" y1="{y(share):.1f}" x2="{right}" y2="{y(share):.1f}" '
                     f'stroke="#ddd"/><text x="{left - 8}" y="{y(share) + 4:.1f}" '
                     f'text-anchor="end">{share:g}</text>')
    for ranks in RANKS:
        parts.append(f'<text x="{x(ranks):.1f}" y="{bottom + 20}" text-anchor="middle">'
                     f'{ranks}</text>')
    parts.append(f'<text x="{(left + right) / 2}" y="{bottom + 42}" text-anchor="middle">'
                 'ranks, one a machine</text>')
    middle = (top + bottom) / 2
    parts.append(f'<text x="18" y="{middle}" text-anchor="middle" '
                 f'transform="rotate(-90 18 {middle})">efficiency against one rank alone</text>')
    for number, (name, rate) in enumerate(RATES.items()):
        points = []
        for ranks in RANKS:
            compute, seconds, _ = step(model, ranks, rate)
            points.append((x(ranks), y(compute / seconds)))
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        dots = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{COLOURS[number]}"/>'
                       for a, b in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[number]}" '
                     f'stroke-width="2"/>{dots}')
        at = bottom - 60 + 20 * number
        parts.append(f'<line x1="{left + 14}" y1="{at - 4}" x2="{left + 40}" y2="{at - 4}" '
                     f'stroke="{COLOURS[number]}" stroke-width="2"/>'
                     f'<text x="{left + 48}" y="{at}">{name}</text>')
    parts.append("</svg>")
    with open(path, "w") as file:
        file.write("\n".join(parts) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     epilog="The head of this file says more.")
    parser.add_argument("--model", default=os.path.join(HERE, "scaling.json"), metavar="FILE")
    parser.add_argument("--batch", type=int, default=64, help="images of a rank in a step")
    parser.add_argument("--svg", metavar="FILE", help="write the plot there")
    parser.add_argument("--check", action="store_true", help="the measured steps beside it")
    options = parser.parse_args()
    try:
        with open(options.model) as file:
            figures = json.load(file)
        model = figures["model"]
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"simulate_scaling: {options.model}: {error}: run bench/measure_cluster.py first")
    measured = figures.get("measured", [])
    print(check(model, measured) if options.check else table(model, options.batch))
    if options.svg:
        plot(model, options.svg)


if __name__ == "__main__":
    main()
