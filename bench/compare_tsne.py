#!/usr/bin/env python3
"""Compares `fst bench tsne` with scikit-learn's t-SNE on this machine, in the same minutes.

    swift build -c release
    python3 bench/compare_tsne.py                                   # the figures of docs/tsne.md
    python3 bench/compare_tsne.py --points 1000 --features 64 --rounds 5
    python3 bench/compare_tsne.py --file features.npy               # features of your own

Needs scikit-learn (1.9 was used); --python names an interpreter that has it, --fst another program
than .build/release/fst. Both embed the same float32 features with scikit-learn's defaults:
perplexity 30, 1000 iterations, angle 0.5, a principal component start.

Each round runs both one after the other, each in a process of its own, in an order that turns from
round to round; scikit-learn gets the same number of threads (OpenMP and BLAS). Times are those of
the embedding alone: neither start-up nor reading is in them. A round's ratio is scikit-learn's
time over fst's; the table gives medians and ranges.

KL divergence and trustworthiness of both embeddings are computed here by one and the same code:
KL(P || Q) with scikit-learn's P and Z summed over all pairs in double precision, trustworthiness by
scikit-learn.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="The header of this file says more.")
    parser.add_argument("--file", help="features, .npy, [points, features]; default: generated")
    parser.add_argument("--points", type=int, default=5000)
    parser.add_argument("--features", type=int, default=512)
    parser.add_argument("--perplexity", type=float, default=30)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fst", default=os.path.join(ROOT, ".build", "release", "fst"))
    parser.add_argument("--python", default=sys.executable, help="an interpreter with scikit-learn")
    parser.add_argument("--json", action="store_true", help="every measurement as JSON, too")
    parser.add_argument("--worker", nargs=2, metavar=("FEATURES", "PLACES"), help=argparse.SUPPRESS)
    parser.add_argument("--judge", nargs="+", metavar="FILE", help=argparse.SUPPRESS)
    return parser.parse_args()


# scikit-learn's side, in processes of its own


def embed(options):
    """Embeds the features and prints what that took."""
    import numpy as np
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    features, places = options.worker
    points = np.load(features).astype(np.float32)
    with threadpool_limits(options.threads):
        tsne = TSNE(perplexity=options.perplexity, init="pca", method="barnes_hut", random_state=0,
                    n_jobs=options.threads)
        start, cpu = time.perf_counter(), processor_seconds()
        result = tsne.fit_transform(points)
        seconds, cpu = time.perf_counter() - start, processor_seconds() - cpu
    np.savetxt(places, result)
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "own_kl": float(tsne.kl_divergence_)}))


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def judge(options):
    """Prints KL divergence and trustworthiness of each embedding of the features."""
    import numpy as np
    from sklearn.manifold import _t_sne, trustworthiness
    from sklearn.neighbors import NearestNeighbors

    points = np.load(options.judge[0]).astype(np.float32)
    neighbours = min(len(points) - 1, int(3 * options.perplexity + 1))
    graph = NearestNeighbors(n_neighbors=neighbours).fit(points).kneighbors_graph(mode="distance")
    graph.data **= 2
    p = _t_sne._joint_probabilities_nn(graph, options.perplexity, 0).tocoo()
    p.data = p.data.astype(np.float64) / p.data.sum(dtype=np.float64)
    for file in options.judge[1:]:
        places = np.loadtxt(file)
        z = 0.0
        for row in places:
            z += (1 / (1 + ((places - row) ** 2).sum(axis=1))).sum() - 1
        near = 1 / (1 + ((places[p.row] - places[p.col]) ** 2).sum(axis=1))
        kl = float((p.data * np.log(p.data * z / near))[p.data > 0].sum())
        trust = {k: float(trustworthiness(points, places, n_neighbors=k)) for k in (5, 12)}
        print(json.dumps({"kl_divergence": kl, "trustworthiness": trust}))


# The comparison


def last_json(command, environment):
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def generate(options, file):
    """Features of ten clusters of unequal spread, none below zero."""
    import numpy as np

    generator = np.random.RandomState(0)
    centres = generator.normal(size=(10, options.features))
    labels = np.arange(options.points) % 10
    spread = (0.5 + labels / 10)[:, None]
    noise = generator.normal(size=(options.points, options.features))
    np.save(file, np.maximum(centres[labels] + spread * noise, 0).astype(np.float32))


def line(values, digits=2):
    return (f"{statistics.median(values):.{digits}f} "
            f"({min(values):.{digits}f} to {max(values):.{digits}f})")


def main():
    options = arguments()
    if options.worker:
        return embed(options)
    if options.judge:
        return judge(options)
    environment = dict(os.environ, OMP_NUM_THREADS=str(options.threads),
                       OPENBLAS_NUM_THREADS=str(options.threads))
    shared = ["--perplexity", str(options.perplexity), "--threads", str(options.threads)]
    with tempfile.TemporaryDirectory() as folder:
        features = options.file or os.path.join(folder, "features.npy")
        if not options.file:
            generate(options, features)
        places = {name: os.path.join(folder, f"{name}.txt") for name in ("fst", "scikit-learn")}
        commands = {
            "fst": [options.fst, "bench", "tsne", features, "--steps", "1", "--json", "--positions",
                    places["fst"]] + shared,
            "scikit-learn": [options.python, os.path.abspath(__file__), "--worker", features,
                             places["scikit-learn"]] + shared,
        }
        rounds = []
        for number in range(options.rounds):
            measured = {}
            for name in sorted(commands, reverse=number % 2 == 1):
                measured[name] = last_json(commands[name], environment)[-1]
            measured["fst"] = {"seconds": measured["fst"]["seconds"]["median"],
                               "cpu_seconds": measured["fst"]["cpu_seconds"]["median"]}
            measured["scikit-learn"].pop("own_kl")
            rounds.append(measured)
            print(f"round {number + 1}: " + ", ".join(
                f"{name} {times['seconds']:.2f} s" for name, times in sorted(measured.items())),
                file=sys.stderr)
        judged = last_json([options.python, os.path.abspath(__file__)] + shared + ["--judge", features]
                           + list(places.values()), environment)
    qualities = dict(zip(places, judged))
    print(f"{options.file or f'{options.points} points of {options.features} generated features'}, "
          f"{options.threads} threads, n = {options.rounds}: median (range)")
    print(f"{'':13}  {'wall s':20}  {'CPU s':20}  KL      trust 5  trust 12")
    for name, quality in qualities.items():
        wall, cpu = ([times[name][key] for times in rounds] for key in ("seconds", "cpu_seconds"))
        trust = quality["trustworthiness"]
        print(f"{name:13}  {line(wall):20}  {line(cpu):20}  {quality['kl_divergence']:.4f}  "
              f"{trust['5']:.4f}   {trust['12']:.4f}")
    ratios = {key: [times["scikit-learn"][key] / times["fst"][key] for times in rounds]
              for key in ("seconds", "cpu_seconds")}
    print(f"scikit-learn / fst: wall {line(ratios['seconds'])}, CPU {line(ratios['cpu_seconds'])}")
    if options.json:
        print(json.dumps({"rounds": rounds, "ratios": ratios, "quality": qualities}))


if __name__ == "__main__":
    main()
