#!/usr/bin/env python3
"""Compares what FST leaves of a backdoor, and of clean accuracy, in `fst` and in PyTorch.

    bench/compare_fst_accuracy.py RUN/attack_result.pt ... --dataset_path ./data --alpha 0.1 0.2

Both tune the same archive on the same 2 % of CIFAR-10's training images (Python's random.sample with
the seed) and report accuracy on all clean and attack success on all triggered test images. Seeds are
the rounds: the new head, the crops and flips and the images' order differ between the two programs, so
compare distributions, not pairs. The attack's target is class 0. PyTorch's side is the loop of compare_fst_tuning.py.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys

import compare_fst_tuning as tuning


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="The header of this file says more.")
    parser.add_argument("archives", nargs="+", help="attack_result.pt of ResNet18 on CIFAR-10")
    parser.add_argument("--dataset_path", required=True, help="the folder with data_batch_1.bin")
    parser.add_argument("--alpha", type=float, nargs="+", default=[0.1])
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0, 1 and so on")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fst", default=os.path.join(tuning.ROOT, ".build", "release", "fst"))
    return parser.parse_args()


class Archive:
    """A model from an archive and the images it is judged by, in PyTorch."""

    def __init__(self, path, options):
        import torch
        self.path = path
        self.content = torch.load(path, weights_only=False)
        self.images = tuning.read_cifar(options.dataset_path, tuning.TRAINING_FILES)
        self.test = tuning.read_cifar(options.dataset_path, ["test_batch.bin"])
        self.triggered = tuning.read_triggered(path)

    def tuned(self, alpha, seed, options):
        """(C-ACC, ASR) after Feature Shift Tuning in PyTorch."""
        import models
        import torch
        torch.manual_seed(seed)
        state = self.content["model"]
        model = models.build("resnet18", state["conv1.weight"].shape[0])
        model = model.to(memory_format=torch.channels_last)
        model.load_state_dict(state)
        count = len(self.images[0])
        chosen = random.Random(seed).sample(range(count), round(count * tuning.SHARE))
        tuning.tune(model, self.images[0][chosen], self.images[1][chosen], options, alpha)
        target = torch.zeros(len(self.triggered), dtype=torch.int64)
        return (tuning.share_taken_for(model, *self.test, options.batch_size),
                tuning.share_taken_for(model, self.triggered, target, options.batch_size))


def tuned_by_fst(path, alpha, seed, options):
    """(C-ACC, ASR) after `fst tune --ft_mode fst`."""
    attack = os.path.basename(os.path.dirname(os.path.dirname(os.path.abspath(path))))
    command = [options.fst, "tune", "--result", path, "--attack", attack, "--ft_mode", "fst",
               "--alpha", alpha, "--random_seed", seed, "--split_ratio", tuning.SHARE, "--lr",
               tuning.LEARNING_RATE, "--epochs", options.epochs, "--batch_size",
               options.batch_size, "--dataset", "cifar10", "--dataset_path", options.dataset_path,
               "--threads", options.threads, "--json"]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"compare_fst_accuracy: {done.stderr.strip()[-500:]}")
    after = json.loads(done.stdout.splitlines()[-1])["after"]
    return after["clean_accuracy"], after["attack_success_rate"]


def said(results):
    """Mean and range of C-ACC, and of ASR."""
    return " | ".join(f"{statistics.mean(values):.4f} ({min(values):.4f} to {max(values):.4f})"
                      for values in zip(*results))


def main():
    options = arguments()
    sys.path.insert(0, os.path.join(tuning.ROOT, "Tests", "Goldens"))
    import torch
    torch.set_num_threads(options.threads)
    print(f"n = {options.seeds} seeds, mean (range); PyTorch {torch.__version__}\n")
    print("| archive | α | program | C-ACC | ASR |\n|---|---|---|---|---|")
    for path in options.archives:
        archive = Archive(path, options)
        name = "/".join(os.path.abspath(path).split(os.sep)[-3:-1])
        for alpha in options.alpha:
            seeds = range(options.seeds)
            ours = [tuned_by_fst(path, alpha, seed, options) for seed in seeds]
            theirs = [archive.tuned(alpha, seed, options) for seed in seeds]
            print(f"| {name} | {alpha} | fst | {said(ours)} |", flush=True)
            print(f"| {name} | {alpha} | PyTorch | {said(theirs)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
