#!/usr/bin/env python3
"""Measures the distributed step on hosts made of network namespaces (cluster/lab), as root.

    make build
    bench/measure_cluster.py step        2 hosts on 1 Gbit/s with one core each, against one host
                                         alone and against PyTorch DDP + gloo on the same two hosts
    bench/measure_cluster.py compress    the same step with gradients in every form of --compress,
                                         against PyTorch with DDP's hook of that name
    bench/measure_cluster.py allreduce   44.7 MB over 2 and 4 hosts: the share of the wire's limit
    bench/measure_cluster.py scaling     what cluster/simulate_scaling.py is fed with and checked
                                         against: writes cluster/scaling.json

ResNet18 of width 64, 64 images a rank, random. A host has one core (`taskset`): two hosts have
cores 0 and 1 of this machine, four share them two and two. Within a round all contestants run one
after the other, so that a busy minute touches all; figures are medians over the rounds, with their
range. For gloo, --python names an interpreter that has PyTorch; bench/compare_gloo.py is its side.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
LAB = os.path.join(ROOT, "cluster", "lab", "lab.py")
NET = os.environ.setdefault("FST_LAB_NET", "10.88.11")
os.environ["FST_LAB"] = f"bench-{os.getpid()}"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     epilog="The head of this file says more.")
    parser.add_argument("part", choices=["step", "compress", "allreduce", "scaling"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6, help="timed steps of a process")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch_size", type=int, default=64, help="images of a rank in a step")
    parser.add_argument("--rate", default="1gbit", help="of the links, in step and compress")
    parser.add_argument("--precision", default="float32", choices=["float32", "int16"],
                        help="fst's products; with int16 PyTorch runs under autocast")
    parser.add_argument("--fst", default=os.path.join(ROOT, ".build", "release", "fst"))
    parser.add_argument("--python", default=sys.executable, help="an interpreter with PyTorch")
    parser.add_argument("--no_gloo", action="store_true", help="leave PyTorch out")
    parser.add_argument("--out", default=os.path.join(ROOT, "cluster", "scaling.json"))
    return parser.parse_args()


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"measure_cluster: {' '.join(map(str, words))}: {done.stderr.strip()[-800:]}")
    return done.stdout


def last_json(text):
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    sys.exit(f"measure_cluster: no JSON in {text[-500:]!r}")


def on_hosts(hosts, *words):
    """The report of a command of which each host runs one process, on one core."""
    command = " ".join(str(word) for word in words)
    pinned = f"exec taskset -c $((OMPI_COMM_WORLD_RANK % 2)) {command}"
    return last_json(run(LAB, "run", hosts, "sh", "-c", pinned))


def with_hosts(count, rate, body):
    run(LAB, "up", count, rate)
    try:
        return body()
    finally:
        run(LAB, "down")


def step_command(options):
    return [options.fst, "bench", "step", "--width", options.width, "--batch_size",
            options.batch_size, "--threads", 1, "--steps", options.steps, "--precision",
            options.precision, "--json"]


def alone(options):
    """The report of one process on core 0, with nothing on the other."""
    return last_json(run("taskset", "-c", 0, *step_command(options)))


def all_reduce(options, hosts, width=64):
    return on_hosts(hosts, options.fst, "bench", "allreduce", "--width", width, "--json")


def gloo(options, hook="none"):
    """Seconds of a step of PyTorch, DDP over gloo, on two hosts."""
    autocast = ["--autocast"] if options.precision == "int16" else []
    return on_hosts(
        2, "env", "GLOO_SOCKET_IFNAME=eth0", "OMP_NUM_THREADS=1", options.python,
        os.path.join(ROOT, "bench", "compare_gloo.py"), "step", "--worker", "--master", f"{NET}.10",
        "--width", options.width, "--batch_size", options.batch_size, "--steps", options.steps,
        "--hook", hook, *autocast)["seconds"]


def seconds(report, key="seconds_per_step"):
    return report[key]["median"]


def said(values, form=".3f"):
    return (f"{statistics.median(values):{form}} "
            f"({min(values):{form}} to {max(values):{form}})")


def measure_step(options):
    rounds = []
    for number in range(options.rounds):
        one, two = alone(options), on_hosts(2, *step_command(options))
        cost = two["communication"]
        rounds.append({
            "alone": seconds(one), "both alone": seconds(cost, "seconds_per_step_alone"),
            "together": seconds(two), "sum": seconds(cost, "allreduce_seconds"),
            "exposed": seconds(cost, "exposed_seconds"),
            "gloo": None if options.no_gloo else gloo(options)})
        print(f"round {number + 1}: {rounds[-1]}", file=sys.stderr)
    rows = [("step of one host alone, s", lambda r: r["alone"], ".3f"),
            ("step of both hosts at once, each alone, s", lambda r: r["both alone"], ".3f"),
            ("step of two hosts together, s", lambda r: r["together"], ".3f"),
            ("throughput against 2 x one host alone", lambda r: r["alone"] / r["together"], ".3f"),
            ("throughput against both at once", lambda r: r["both alone"] / r["together"], ".3f"),
            ("the sum by itself, s", lambda r: r["sum"], ".3f"),
            ("hidden behind computation", lambda r: 1 - r["exposed"] / r["sum"], ".3f")]
    if not options.no_gloo:
        rows += [("step of PyTorch, DDP over gloo, s", lambda r: r["gloo"], ".3f"),
                 ("throughput against it", lambda r: r["gloo"] / r["together"], ".2f")]
    print(f"width {options.width}, {options.batch_size} images a rank, 1 core a host, {options.rate}; "
          f"n = {options.rounds} rounds of {options.steps} steps, medians (range)\n")
    print("| | |\n|---|---|")
    for name, of, form in rows:
        print(f"| {name} | {said([of(entry) for entry in rounds], form)} |")
    print(json.dumps(rounds))


def measure_compress(options):
    forms = ["none", "fp16", "bf16", "powersgd"]
    ours, theirs = {form: [] for form in forms}, {form: [] for form in forms}
    for number in range(options.rounds):
        for form in forms:
            report = on_hosts(2, *step_command(options), "--compress", form)
            own = seconds(report["communication"], "seconds_per_step_alone")
            ours[form].append((seconds(report), own))
            # DDP's hook for bfloat16 wants NCCL, and says so.
            has_hook = not options.no_gloo and form != "bf16"
            theirs[form].append(gloo(options, form) if has_hook else None)
            print(f"round {number + 1}, {form}: {ours[form][-1]}, {theirs[form][-1]}",
                  file=sys.stderr)
    print(f"width {options.width}, {options.batch_size} images a rank, {options.precision}, "
          f"1 core a host, {options.rate}; n = {options.rounds} rounds of {options.steps} steps, "
          "medians (range)\n")
    print("| gradients as | step, s | against both at once | PyTorch, s | against it |")
    print("|---|---|---|---|---|")
    for form in forms:
        steps, pairs = [step for step, _ in ours[form]], list(zip(ours[form], theirs[form]))
        beside = ["", ""] if None in theirs[form] else [
            said(theirs[form]), said([other / step for (step, _), other in pairs], ".2f")]
        cells = [form, said(steps), said([own / step for step, own in ours[form]]), *beside]
        print(f"| {' | '.join(cells)} |")


def measure_all_reduce(options):
    for hosts in (2, 4):
        reports = with_hosts(hosts, "1gbit", lambda: [
            all_reduce(options, hosts) for _ in range(options.rounds)])
        shares = [report["bus_gb_per_second"] / 0.125 for report in reports]
        print(f"{hosts} hosts at 1 Gbit/s: {said([seconds(r, 'seconds') for r in reports])} s, "
              f"{said(shares)} of the wire; n = {options.rounds} runs of 10 sums, medians (range)")


def measure_scaling(options):
    """Writes the model's figures, all from two hosts at 1 Gbit/s, and the steps to check it by."""
    points = [(2, "1gbit"), (2, "250mbit"), (4, "1gbit"), (4, "500mbit")]
    measured, model = [], None
    for hosts, rate in points:
        report = with_hosts(hosts, rate, lambda: on_hosts(hosts, *step_command(options)))
        cost = report["communication"]
        own = seconds(cost, "seconds_per_step_alone")
        measured.append({"ranks": hosts, "rate": float(rate[:-4]) * (1e9 if "g" in rate else 1e6),
                         "alone": round(own, 4), "step": round(seconds(report), 4)})
        print(f"{hosts} hosts, {rate}: {measured[-1]}", file=sys.stderr)
        if model is None:
            tiny = with_hosts(2, "1gbit", lambda: all_reduce(options, 2, width=1))
            model = figures(report, tiny)
    with open(options.out, "w") as file:
        lines = [f' {json.dumps(name)}: {json.dumps(value)}' for name, value in model.items()]
        points = [f"  {json.dumps(point)}" for point in measured]
        file.write('{"model": {\n' + ",\n".join(lines) + '\n},\n"measured": [\n' +
                   ",\n".join(points) + "\n]}\n")
    print(f"wrote {options.out}; cluster/simulate_scaling.py --check compares")


def figures(report, tiny):
    """The model's figures from a step on two hosts and the sum of a tiny network."""
    cost = report["communication"]
    own, buckets = seconds(cost, "seconds_per_step_alone"), cost["buckets"]
    size = sum(count for count, _ in buckets)
    computing = seconds(report) - seconds(cost, "exposed_seconds")  # communication's work included
    return {
        "buckets": [[int(count), round(ready * own / computing, 5)] for count, ready in buckets],
        "update": round(max(0.0, own - buckets[-1][1] * own / computing), 5),
        "alpha": round(seconds(tiny, "seconds") / (2 * tiny["buckets"]), 8),
        "wire_share": round(size / (seconds(cost, "allreduce_seconds") * 1.25e8), 4),
        "cpu_seconds_per_byte": round(max(0.0, (computing - own) / size), 13)}


def main():
    options = arguments()
    if not os.access(options.fst, os.X_OK):
        sys.exit(f"measure_cluster: no program at {options.fst}: make build")
    if options.part in ("step", "compress"):
        measure = measure_step if options.part == "step" else measure_compress
        return with_hosts(2, options.rate, lambda: measure(options))
    return measure_all_reduce(options) if options.part == "allreduce" else measure_scaling(options)


if __name__ == "__main__":
    sys.exit(main())
