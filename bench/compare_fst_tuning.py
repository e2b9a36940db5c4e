#!/usr/bin/env python3
"""Compares the whole `fst tune --ft_mode fst` with the same in PyTorch, in the same minutes.

    swift build -c release
    python3 bench/compare_fst_tuning.py --rounds 3                          # images made up
    python3 bench/compare_fst_tuning.py --rounds 3 --dataset_path ./data    # CIFAR-10
    python3 bench/compare_fst_tuning.py --precision int16 --autocast        # 16 bits on both sides

The size is the paper's: 2 % of CIFAR-10's training images (1,000), 10 epochs of batch 128 with random
crops and flips, and two evaluations, before and after, on 10,000 clean and 9,000 triggered images.
Without --dataset_path the images are random bytes in CIFAR-10's binary format: the work is the same,
the accuracies mean nothing. First `fst attack badnet --max_steps` makes an archive; both sides then
read it, its triggered images and the dataset's files, and each is timed as a whole process, from its
start to its end. Rounds alternate which goes first. CPU time is the sum over threads.

PyTorch's side is a plain loop in channels_last: all images are one tensor, and crops and flips are
done for a whole batch at once, so that no time goes into a data loader. It needs PyTorch (2.13 was
used), numpy and Pillow; --python names an interpreter that has them.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261)
SHARE, LEARNING_RATE, ALPHA = 0.02, 0.01, 0.1
TRAINING_FILES = [f"data_batch_{number}.bin" for number in range(1, 6)]


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="The header of this file says more.")
    parser.add_argument("--dataset_path", help="the folder with data_batch_1.bin and so on")
    parser.add_argument("--width", type=int, default=64, help="planes of the first stage")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="processes per contestant")
    parser.add_argument("--attack_steps", type=int, default=20, help="steps of the attack")
    parser.add_argument("--fst", default=os.path.join(ROOT, ".build", "release", "fst"))
    parser.add_argument("--python", default=sys.executable, help="an interpreter with PyTorch")
    parser.add_argument("--precision", default="float32", help="fst's numbers, as its flag")
    parser.add_argument("--autocast", action="store_true",
                        help="a third contestant: PyTorch with bfloat16 autocast")
    parser.add_argument("--worker", metavar="ARCHIVE", help=argparse.SUPPRESS)
    return parser.parse_args()


# PyTorch's side

def read_cifar(folder, names):
    """Images [N, 3, 32, 32] of bytes, and labels [N]."""
    import numpy
    import torch
    rows = numpy.concatenate([
        numpy.fromfile(os.path.join(folder, name), numpy.uint8).reshape(-1, 3073)
        for name in names])
    images = torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32).copy())
    return images, torch.from_numpy(rows[:, 0].astype("int64"))


def read_triggered(archive):
    """The triggered test images, whose labels are all the attack's target."""
    import numpy
    import torch
    from PIL import Image
    folder = os.path.join(os.path.dirname(archive), "bd_test_dataset")
    paths = sorted(os.path.join(parent, name)
                   for parent, _, names in os.walk(folder) for name in names)
    stack = numpy.stack([numpy.asarray(Image.open(path).convert("RGB")) for path in paths])
    return torch.from_numpy(stack.transpose(0, 3, 1, 2).copy())


def as_input(images):
    import torch
    mean, deviation = (torch.tensor(v, device=images.device).view(1, 3, 1, 1)
                       for v in (MEAN, DEVIATION))
    return ((images.float() / 255 - mean) / deviation).to(memory_format=torch.channels_last)


def augmented(images):
    """A random crop after 4 black pixels of padding, and a flip, of each image."""
    import torch
    count, device = len(images), images.device
    padded = torch.nn.functional.pad(images, (4, 4, 4, 4))
    span = torch.arange(32, device=device)
    rows = torch.randint(9, (count, 1), device=device) + span
    columns = torch.randint(9, (count, 1), device=device) + span
    flipped = torch.rand(count, 1, device=device) < 0.5
    columns = torch.where(flipped, columns.flip(1), columns)
    which = torch.arange(count, device=device).view(-1, 1, 1)
    return padded.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None, :]].permute(
        0, 3, 1, 2)


def numbers(options):
    """What forward passes compute in."""
    import torch
    return torch.autocast("cpu", torch.bfloat16, enabled=options.autocast)


def share_taken_for(model, images, labels, options):
    import torch
    with torch.no_grad(), numbers(options):
        hits = sum((model(as_input(part)).argmax(1) == expected).sum().item() for part, expected
                   in zip(images.split(options.batch_size), labels.split(options.batch_size)))
    return hits / len(images)


def tune(model, images, labels, options, alpha=ALPHA):
    """Feature Shift Tuning: a new head, pushed away from the old one and kept at its norm."""
    import torch
    original = model.linear.weight.detach().clone()
    model.linear.reset_parameters()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs)
    model.train()
    for _ in range(options.epochs):
        for chosen in torch.randperm(len(images)).split(options.batch_size):
            with numbers(options):
                logits = model(as_input(augmented(images[chosen])))
            loss = torch.nn.functional.cross_entropy(logits.float(), labels[chosen])
            loss = loss + alpha * (model.linear.weight * original).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                model.linear.weight *= original.norm() / model.linear.weight.norm()
        schedule.step()
    model.eval()


def run_pytorch(options):
    sys.path.insert(0, os.path.join(ROOT, "Tests", "Goldens"))  # the model lives with the goldens
    import models
    import torch
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    archive = torch.load(options.worker, weights_only=False)
    model = models.build("resnet18", options.width).to(memory_format=torch.channels_last).eval()
    model.load_state_dict(archive["model"])
    images, labels = read_cifar(options.dataset_path, TRAINING_FILES)
    test, test_labels = read_cifar(options.dataset_path, ["test_batch.bin"])
    triggered = read_triggered(options.worker)
    target = torch.zeros(len(triggered), dtype=torch.int64)
    chosen = torch.randperm(len(images))[:int(len(images) * SHARE)]

    def rates():
        return {"c_acc": share_taken_for(model, test, test_labels, options),
                "asr": share_taken_for(model, triggered, target, options)}
    before = rates()
    tune(model, images[chosen], labels[chosen], options)
    print(json.dumps({"before": before, "after": rates(), "version": torch.__version__,
                      "images": [len(chosen), len(test), len(triggered)]}))


# The comparison

def timed(command, threads):
    """A process's wall seconds, processor seconds, peak bytes and the JSON in its last line."""
    start = time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [str(part) for part in command], stdout=output, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        output.seek(0), errors.seek(0)
        said, complaint = output.read().strip(), errors.read().strip()[-500:]
    if process.returncode != 0 or not said:
        sys.exit(f"compare_fst_tuning: {command[0]} ended with {process.returncode}: {complaint}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime,
            "bytes": usage.ru_maxrss * 1024, "report": json.loads(said.splitlines()[-1])}


def make_images(folder):
    """CIFAR-10's six files with random pixels."""
    for name in TRAINING_FILES + ["test_batch.bin"]:
        with open(os.path.join(folder, name), "wb") as file:
            for index in range(10_000):
                file.write(bytes([index % 10]) + os.urandom(3072))


def in_range(values, form):
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:{form}} ({low:{form}} to {high:{form}})"


def print_table(rounds, commands, options):
    first = rounds[0]["PyTorch"]["report"]
    tuning, clean, triggered = first["images"]
    print(f"FST on {tuning} images, {options.epochs} epochs, batch {options.batch_size}, width "
          f"{options.width}, two evaluations on {clean} + {triggered} images, {options.threads} "
          f"threads; whole processes, n = {len(rounds)}; medians (range)\n")
    print("| | wall s | CPU s | peak MB | wall ratio | CPU ratio |\n|---|---|---|---|---|---|")
    for name in commands:
        cells = [in_range([entry[name][key] for entry in rounds], ".1f") for key in ("wall", "cpu")]
        cells.append(f"{max(entry[name]['bytes'] for entry in rounds) / 1e6:.0f}")
        for key in ("wall", "cpu"):
            ratios = [entry[name][key] / entry["fst"][key] for entry in rounds]
            cells.append("" if name == "fst" else in_range(ratios, ".2f"))
        label = (f"fst {options.precision}" if name == "fst" else
                 name.replace("PyTorch", f"PyTorch {first['version']} channels_last"))
        print("| " + " | ".join([label, *cells]) + " |")
    print("\nlast round: " + ", ".join(
        f"{name} {json.dumps(rounds[-1][name]['report'])}" for name in commands))


def main():
    options = arguments()
    if options.worker:
        return run_pytorch(options)
    if not os.access(options.fst, os.X_OK):
        sys.exit(f"compare_fst_tuning: no program at {options.fst}: swift build -c release")
    with tempfile.TemporaryDirectory() as scratch:
        data = options.dataset_path or scratch
        if not options.dataset_path:
            make_images(scratch)
        elif not os.path.exists(os.path.join(data, "test_batch.bin")):
            sys.exit(f"compare_fst_tuning: no test_batch.bin in {data}")
        common = ["--dataset", "cifar10", "--dataset_path", data, "--record", f"{scratch}/record",
                  "--batch_size", options.batch_size, "--threads", options.threads, "--json"]
        attack = timed([options.fst, "attack", "badnet", "--width", options.width, "--max_steps",
                        options.attack_steps, *common], options.threads)
        archive = os.path.join(attack["report"]["folder"], "attack_result.pt")
        commands = {
            "fst": [options.fst, "tune", "--attack", "badnet", "--ft_mode", "fst", "--alpha", ALPHA,
                    "--lr", LEARNING_RATE, "--split_ratio", SHARE, "--epochs", options.epochs,
                    "--precision", options.precision, *common],
            "PyTorch": [options.python, os.path.abspath(__file__), "--worker", archive,
                        "--dataset_path", data, "--width", options.width, "--epochs",
                        options.epochs, "--batch_size", options.batch_size, "--threads",
                        options.threads]}
        if options.autocast:
            commands["PyTorch, autocast"] = [*commands["PyTorch"], "--autocast"]
        rounds = []
        for number in range(options.rounds):
            names = sorted(commands, reverse=number % 2 == 0)
            rounds.append({name: timed(commands[name], options.threads) for name in names})
            print(f"round {number + 1} of {options.rounds}: " + ", ".join(
                f"{name} {rounds[-1][name]['wall']:.1f} s" for name in names), file=sys.stderr)
        print_table(rounds, commands, options)


if __name__ == "__main__":
    sys.exit(main())
