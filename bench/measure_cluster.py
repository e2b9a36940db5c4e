#!/usr/bin/env python3
"""Measures the distributed step on hosts made of network namespaces (cluster/lab), as root.

    swift build -c release
    bench/measure_cluster.py step        2 hosts on 1 Gbit/s with one core each, against one host
                                         alone and against PyTorch DDP + gloo on the same two hosts
    bench/measure_cluster.py allreduce   44.7 MB over 2 and 4 hosts: the share of the wire's limit
    bench/measure_cluster.py scaling     what cluster/simulate_scaling.py is fed with and checked
                                         against: writes cluster/scaling.json

ResNet18 of width 64, 64 images a rank, 32x32, random. A host has one core (`taskset`); two hosts have
cores 0 and 1 of this machine, four share them two and two, and then "alone" means four processes that
run at once without knowing of each other. Within a round all contestants run one after the other, so
that a busy minute touches all; figures are medians over the rounds, with their range. Needs two
cores and, for gloo, PyTorch: --python names an interpreter that has it.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
LAB = os.path.join(ROOT, "cluster", "lab", "lab.py")
NET = os.environ.setdefault("FST_LAB_NET", "10.88.11")
os.environ["FST_LAB"] = f"bench-{os.getpid()}"
GRADIENTS = 44_695_848  # bytes: 11,173,962 parameters in Float
PORT = 29_511
RATE = 1e9


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     epilog="The head of this file says more.")
    parser.add_argument("part", choices=["step", "allreduce", "scaling"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=6, help="timed steps of a process")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64, help="images of a rank in a step")
    parser.add_argument("--fst", default=os.path.join(ROOT, ".build", "release", "fst"))
    parser.add_argument("--python", default=sys.executable, help="an interpreter with PyTorch")
    parser.add_argument("--no_gloo", action="store_true", help="leave PyTorch out")
    parser.add_argument("--out", default=os.path.join(ROOT, "cluster", "scaling.json"))
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def lab(*words):
    done = subprocess.run([LAB, *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"measure_cluster: lab.py {' '.join(map(str, words))}: {done.stderr.strip()[-800:]}")
    return done.stdout


def last_json(text):
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    sys.exit(f"measure_cluster: no JSON in {text[-500:]!r}")


# PyTorch's side: one process a host

def train_with_gloo(options):
    """Rank `options.worker` of two: DDP over gloo, as the same step is written in PyTorch."""
    sys.path.insert(0, os.path.join(ROOT, "Tests", "Goldens"))
    import models
    import torch
    import torch.distributed
    torch.set_num_threads(1)
    torch.manual_seed(0)
    torch.distributed.init_process_group(
        "gloo", init_method=f"tcp://{NET}.10:{PORT}", rank=options.worker, world_size=2)
    model = models.build("resnet18", options.width).train().to(memory_format=torch.channels_last)
    model = torch.nn.parallel.DistributedDataParallel(model)
    images = torch.randn(options.batch, 3, 32, 32).to(memory_format=torch.channels_last)
    labels = torch.randint(10, (options.batch,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    seconds = []
    for number in range(options.steps + 2):
        start = time.perf_counter()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
        if number >= 2:
            seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": statistics.median(seconds)}))
    torch.distributed.destroy_process_group()


def gloo_step(options):
    """Seconds of a step of DDP + gloo on two hosts: the slower rank's median."""
    flags = [str(word) for word in ["--width", options.width, "--batch", options.batch, "--steps",
                                    options.steps]]
    processes = []
    for rank in range(2):
        command = [LAB, "exec", f"node{rank}", "env", "GLOO_SOCKET_IFNAME=eth0", "OMP_NUM_THREADS=1",
                   "taskset", "-c", str(rank), options.python, os.path.realpath(__file__), "step",
                   "--worker", str(rank), *flags]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    return max(last_json(process.communicate()[0])["seconds"] for process in processes)


# fst's side

def bench_flags(options):
    return [options.fst, "bench", "step", "--width", options.width, "--batch_size", options.batch,
            "--threads", 1, "--steps", options.steps, "--json"]


def alone(options, hosts=1):
    """Reports of `hosts` processes that run at once, each on its core and without MPI."""
    processes = []
    for index in range(hosts):
        command = ["taskset", "-c", index % 2, *bench_flags(options)]
        processes.append(subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                                          text=True))
    return [last_json(process.communicate()[0]) for process in processes]


def together(options, hosts):
    """The report of a step that all hosts take together."""
    command = " ".join(str(word) for word in bench_flags(options))
    return last_json(lab("run", hosts, "sh", "-c",
                         f'exec taskset -c $((OMPI_COMM_WORLD_RANK % 2)) {command}'))


def all_reduce(options, hosts, size=GRADIENTS):
    """The report of `fst bench allreduce` over all hosts."""
    command = f"{options.fst} bench allreduce --bytes {size} --json"
    return last_json(lab("run", hosts, "sh", "-c",
                         f'exec taskset -c $((OMPI_COMM_WORLD_RANK % 2)) {command}'))


def seconds(report):
    return report["seconds_per_step"]["median"]


def said(values, form=".3f"):
    return (f"{statistics.median(values):{form}} "
            f"({min(values):{form}} to {max(values):{form}})")


def with_hosts(count, body):
    lab("up", count, "1gbit")
    try:
        return body()
    finally:
        lab("down")


def measure_step(options):
    rounds = []
    for number in range(options.rounds):
        one, two = alone(options)[0], together(options, 2)
        entry = {"alone": seconds(one), "two": seconds(two),
                 "exposed": two["exposed_seconds_per_step"]["median"],
                 "communication": two["communication_seconds_per_step"]["median"]}
        if not options.no_gloo:
            entry["gloo"] = gloo_step(options)
        rounds.append(entry)
        print(f"round {number + 1}: {entry}", file=sys.stderr)
    of = lambda make: [make(entry) for entry in rounds]
    print(f"width {options.width}, {options.batch} images a rank, 1 core a host, 1 Gbit/s; "
          f"n = {options.rounds} rounds of {options.steps} steps, medians (range)\n")
    print("| | |\n|---|---|")
    print(f"| step alone, s | {said(of(lambda e: e['alone']))} |")
    print(f"| step on two hosts, s | {said(of(lambda e: e['two']))} |")
    print(f"| throughput against 2 x alone | {said(of(lambda e: e['alone'] / e['two']))} |")
    print(f"| communication, s | {said(of(lambda e: e['communication']))} |")
    print("| hidden behind backward | "
          f"{said(of(lambda e: 1 - e['exposed'] / e['communication']))} |")
    if not options.no_gloo:
        print(f"| step of PyTorch DDP + gloo, s | {said(of(lambda e: e['gloo']))} |")
        print(f"| throughput against it | {said(of(lambda e: e['gloo'] / e['two']), '.2f')} |")
    print(json.dumps(rounds))


def measure_all_reduce(options):
    for hosts in (2, 4):
        limit = 2 * (hosts - 1) / hosts * GRADIENTS * 8 / RATE
        times = with_hosts(hosts, lambda: [
            all_reduce(options, hosts)["seconds"]["median"] for _ in range(options.rounds)])
        print(f"{hosts} hosts: {said(times)} s, {said([limit / time for time in times])} of the "
              f"limit of {limit:.3f} s; n = {options.rounds}")


def main():
    options = arguments()
    if options.worker is not None:
        return train_with_gloo(options)
    if not os.access(options.fst, os.X_OK):
        sys.exit(f"measure_cluster: no program at {options.fst}: swift build -c release")
    if options.part == "step":
        return with_hosts(2, lambda: measure_step(options))
    if options.part == "allreduce":
        return measure_all_reduce(options)
    return None


if __name__ == "__main__":
    sys.exit(main())
