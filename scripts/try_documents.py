#!/usr/bin/env python3
"""Runs the commands of README.md and docs/ on tiny data, in the order in which they stand.

Every line of a code block that runs fst is run, as are commands of whole sentences' code, such as
`fst defend clp --result <run> --save`. They run as they stand but for what makes them take seconds:
one epoch and four planes in place of theirs, few steps where a method searches, `--dry_run` for
sweeps of real data; <run>, FOLDER and the like become a run that is there. What builds or installs
(make), and what stands for something else (…), is left to the reader.

A command fails if its status is not 0. `--list` prints the commands; a file's name takes that file.
"""

import argparse
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILES = [
    "README.md", "docs/getting-started.md", "docs/attacks.md", "docs/defences.md", "docs/own-model.md",
    "docs/results.md", "docs/board.md", "docs/experiments.md", "docs/engine.md", "docs/clusters.md",
]
RUN = "pratio_0.1-target_0-archi_resnet18"
# What stands in for a placeholder, longest first.
PLACEHOLDERS = {
    "<archive>": f"record/cifar10/badnet/{RUN}/attack_result.pt", "/<run>": f"/{RUN}",
    "<run>": f"record/cifar10/badnet/{RUN}", "--dataset_path FOLDER": "--dataset_path data",
    "--result FOLDER": f"--result record/cifar10/blended/{RUN}",
}
# What a method's own search takes, in place of its default.
SHORT = {
    "trojannn": "--mask_update_iters 5", "lf": "--lf_images 10 --lf_passes 2",
    "lc": "--lc_steps 2 --lc_robust_epochs 1", "ssba": "--ssba_steps 2",
    "inputaware": "--clean_train_epochs 1", "anp": "--nb_iter 10", "nc": "--nc_epoch 1",
    "pam": "--nc_epoch 1 --ul_round 1", "rnp": "--unlearning_epochs 1 --recovering_epochs 1",
    "sau": "--n_rounds 1", "i-bau": "--n_rounds 1", "nad": "--te_epochs 1",
}
# These go on from an archive, which says how wide it is.
EPOCHS = ("attack", "tune", "defend")


def commands(path):
    """(line, command) of each command in the document, lines that end with a backslash joined."""
    fenced, indented, whole, start = False, False, "", 0
    for number, line in enumerate(path.read_text().split("\n"), 1):
        if line.startswith("```"):
            fenced = not fenced
            continue
        if not fenced and not line.startswith("    "):
            for inline in re.findall(r"`(fst [^`]*)`", line):
                if " <run> " in inline:
                    yield number, inline
            continue
        start = start if whole else number
        whole += line.strip()
        if whole.endswith("\\"):
            whole = whole[:-1]
            continue
        command, whole = whole, ""
        if re.match(r"(run=|mpirun .*fst |(\.build/release/)?fst )", command):
            yield start, command


def shortened(command):
    """The command with less to do, and the data that is there."""
    command = re.sub(r"\s+#.*$", "", command)
    for name, value in PLACEHOLDERS.items():
        command = command.replace(name, value)
    command = command.replace("$rate", "0.1").replace(".build/release/fst", "fst")
    verb = re.search(r"\bfst (\S+)(?: (\S+))?", command)
    if verb and verb[1] in EPOCHS and not re.search(r"--list", command):
        command = re.sub(r" --(epochs|width|max_steps) \S+", "", command) + " --epochs 1"
        command += " --width 4 --batch_size 20" if verb[1] == "attack" else ""
        command += " " + SHORT.get(verb[2], "")
    if verb and verb[1] == "scan":
        command += " " + SHORT["nc"]
    if verb and verb[1] == "sweep" and "demo" not in command and "--dry_run" not in command:
        command += " --dry_run"
    return command.strip()


def ppm(generator, label):
    """A picture of 32x32, of the label's colour and noise."""
    base = [40 + 150 * (label >> channel & 1) for channel in range(3)]
    pixels = bytes(value + generator.randrange(60) for _ in range(32 * 32) for value in base)
    return b"P6 32 32 255\n" + pixels


def prepare(folder):
    """Data, settings and models, at the places that the documents name."""
    generator = random.Random(0)
    binary = folder / "data" / "cifar-10-batches-bin"
    binary.mkdir(parents=True)
    for name in [f"data_batch_{index}" for index in range(1, 6)] + ["test_batch"]:
        with open(binary / f"{name}.bin", "wb") as file:
            for index in range(120):
                plain = ppm(generator, index % 10)[13:]
                file.write(bytes([index % 10]) + plain[0::3] + plain[1::3] + plain[2::3])
    names = "airplane automobile bird cat deer dog frog horse ship truck".split()
    (binary / "batches.meta.txt").write_text("\n".join(names) + "\n")
    for split, count in [("train", 30), ("test", 10)]:
        for label, name in enumerate(["cups", "plates", "spoons"]):
            place = folder / "pictures" / split / name
            place.mkdir(parents=True)
            for index in range(count):
                (place / f"{index}.ppm").write_bytes(ppm(generator, label + 1))
    shutil.copytree(ROOT / "config", folder / "config")
    for path in (folder / "config").rglob("*.yaml"):
        text = re.sub(r"(\bepochs:) *\d+", r"\1 1", path.read_text())
        path.write_text(re.sub(r"(\bwidth:) *\d+", r"\1 4", text))


# Before the documents' own: the demo's archives, a clean model, and a checkpoint from elsewhere.
FIRST = [
    "fst attack badnet --dataset synthetic --record record/demo",
    f"fst tune --result record/demo/synthetic/badnet/{RUN} --dataset synthetic --ft_mode ft --save",
    f"fst tune --result record/demo/synthetic/badnet/{RUN} --dataset synthetic --ft_mode fst --save",
    "fst attack badnet --dataset cifar10 --dataset_path data --pratio 0 "
    f"--save_folder_name cifar10/badnet/{RUN.replace('0.1', '0.0')}",
    "fst attack badnet --dataset cifar10 --dataset_path data",
    "fst attack lf --dataset cifar10 --dataset_path data",
    f"fst tune --result record/cifar10/badnet/{RUN} --dataset_path data --ft_mode ft --save",
    *(
        f"fst attack blended --dataset cifar10 --dataset_path data --pratio {rate}"
        for rate in ("0.05", "0.01", "0.005")
    ),
    *(
        "fst tune --attack blended --dataset cifar10 --dataset_path data --pratio 0.01 --save "
        f"--ft_mode {mode}" for mode in ("ft", "fst")
    ),
    f"mkdir checkpoint; cp record/cifar10/badnet/{RUN}/defense/ft/defense_result.pt model.pth; "
    "cp model.pth checkpoint/ckpt.pth",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", default=FILES)
    parser.add_argument("--fst", default=ROOT / ".build/release/fst", help="the program")
    parser.add_argument("--list", action="store_true", help="print the commands alone")
    options = parser.parse_args()
    todo = [
        (f"{file}:{line}", command)
        for file in options.files for line, command in commands(ROOT / file) if "…" not in command
    ]
    if options.list:
        for place, command in todo:
            print(f"{place}: {command}")
        return 0
    failed = 0
    with tempfile.TemporaryDirectory(prefix="fst-documents-") as name:
        folder = pathlib.Path(name)
        prepare(folder)
        (folder / "bin").mkdir()
        (folder / "bin" / "fst").symlink_to(pathlib.Path(options.fst).resolve())
        environment = dict(
            os.environ, PATH=f"{folder}/bin:{os.environ['PATH']}", OMPI_ALLOW_RUN_AS_ROOT="1",
            OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1")
        before = ""
        for place, command in [("before all", command) for command in FIRST] + todo:
            short = shortened(command)
            if short.startswith("run="):
                before = short + "; "
                continue
            start = time.monotonic()
            result = subprocess.run(
                ["bash", "-c", before + short], cwd=folder, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            print(f"{time.monotonic() - start:5.1f} s  {place}: {short}", flush=True)
            if result.returncode != 0:
                failed += 1
                print(f"  status {result.returncode}: {result.stderr.strip()[-400:]}", flush=True)
    print(f"{len(todo)} commands, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
