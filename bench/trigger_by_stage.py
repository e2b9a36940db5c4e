#!/usr/bin/env python3
"""Says after each stage of a ResNet18 how far a trigger moves images, and which way, in PyTorch.

    bench/trigger_by_stage.py RUN/attack_result.pt RUN/defense/fst/defense_result.pt --dataset_path ./data

The features of a stage are its output's means over positions, as those before the head are for the last
stage. For each archive and stage a line gives the cosine between two ways, from the middle of the classes'
centroids to the centroid of triggered images and to that of clean images of the target class, and
how long the first way is over the second. 2,000 clean and 300 triggered test images.
"""
import argparse
import os
import sys

import compare_fst_tuning as tuning
import train_pytorch

STAGES = ("layer1", "layer2", "layer3", "layer4")
CLEAN, TRIGGERED = 2000, 300


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="The header of this file says more.")
    parser.add_argument("archives", nargs="+", help="attack_result.pt, or defense_result.pt in its run")
    parser.add_argument("--dataset_path", required=True, help="the folder with test_batch.bin")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def read_model(path):
    """The archive's ResNet18, ready to be asked."""
    import models
    import torch
    content = torch.load(path, weights_only=False)
    state = content["model"] if "model" in content else content
    model = models.build("resnet18", state["conv1.weight"].shape[0])
    model.load_state_dict(state)
    return model.to(memory_format=torch.channels_last).eval()


def run_of(path):
    """The attack run that the archive belongs to."""
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.basename(os.path.dirname(folder)) == "defense":
        folder = os.path.dirname(os.path.dirname(folder))
    return train_pytorch.Run(folder)


def features(model, images):
    """Means over positions [N, C] of each stage's output."""
    import torch
    taken = {stage: [] for stage in STAGES}
    hooks = [getattr(model, stage).register_forward_hook(
        lambda _, inputs, output, stage=stage: taken[stage].append(output.mean(dim=(2, 3))))
        for stage in STAGES]
    with torch.no_grad():
        for part in images.split(200):
            model(tuning.as_input(part))
    for hook in hooks:
        hook.remove()
    return [torch.cat(taken[stage]) for stage in STAGES]


def ways(clean, labels, triggered, target):
    """Cosine of the ways to the triggered and to the target class's centroid; ratio of their lengths."""
    import torch
    centroids = torch.stack([clean[labels == label].mean(0) for label in range(10)])
    middle = centroids.mean(0)
    taken, expected = triggered.mean(0) - middle, centroids[target] - middle
    return (torch.nn.functional.cosine_similarity(taken, expected, dim=0).item(),
            (taken.norm() / expected.norm()).item())


def main():
    options = arguments()
    sys.path.insert(0, os.path.join(tuning.ROOT, "Tests", "Goldens"))
    import torch
    torch.set_num_threads(options.threads)
    images, labels = tuning.read_cifar(options.dataset_path, ["test_batch.bin"])
    images, labels = images[:CLEAN], labels[:CLEAN]
    print("| archive |" + "".join(f" {stage}: cosine, length |" for stage in STAGES))
    print("|---" * (len(STAGES) + 1) + "|")
    for path in options.archives:
        model = read_model(path)
        run = run_of(path)
        triggered = run.triggered[::max(len(run.triggered) // TRIGGERED, 1)][:TRIGGERED]
        stages = zip(features(model, images), features(model, triggered))
        cells = [ways(clean, labels, moved, run.target) for clean, moved in stages]
        print(f"| {path} |" + "".join(f" {cosine:.2f}, {length:.2f} |" for cosine, length in cells),
              flush=True)


if __name__ == "__main__":
    sys.exit(main())
