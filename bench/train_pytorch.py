#!/usr/bin/env python3
"""Trains what `fst attack` has poisoned in PyTorch, on a GPU where there is one, for `fst tune` to purify.

    fst attack blended --pratio 0.01 --dataset_path ./data --max_steps 1     # poisons, and trains one step
    bench/train_pytorch.py record/cifar10/blended/pratio_0.01-target_0-archi_resnet18 --dataset_path ./data
    fst tune --attack blended --pratio 0.01 --dataset_path ./data --alpha 0.1

A new model is trained on the run's poisoned images (bd_train_dataset/) and the other images of CIFAR-10,
and takes the place of the one in the run's attack_result.pt; nothing else there is touched. Several
folders are trained one after the other, all with the same settings. On a GPU the model is compiled and
computes in bfloat16 with parameters of 32 bits.
"""
import argparse
import json
import os
import sys
import time

import compare_fst_tuning as tuning


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="The header of this file says more.")
    parser.add_argument("runs", nargs="+", help="folders of attack runs on CIFAR-10")
    parser.add_argument("--dataset_path", required=True, help="the folder with data_batch_1.bin")
    parser.add_argument("--width", type=int, help="of the first stage (default: the archive's)")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.1, help="at the start, or one cycle's peak")
    parser.add_argument("--lr_scheduler", default="CosineAnnealingLR",
                        choices=["CosineAnnealingLR", "OneCycleLR"])
    parser.add_argument("--wd", type=float, default=5e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", help="cpu or cuda (default: cuda where there is one)")
    return parser.parse_args()


class Run:
    """An attack run's archive, its poisoned training images and its triggered test images."""

    def __init__(self, folder):
        import torch
        self.path = os.path.join(folder, "attack_result.pt")
        self.content = torch.load(self.path, weights_only=False)
        self.width = self.content["model"]["conv1.weight"].shape[0]
        self.poisoned = {
            int(index): (os.path.join(folder, *entry["path"].split("/")[-3:]), entry["other_info"][0])
            for index, entry in self.content["bd_train"]["bd_data_container"]["data_dict"].items()}
        self.triggered = tuning.read_triggered(self.path)
        test = self.content["bd_test"]["bd_data_container"]["data_dict"]
        self.target = next(iter(test.values()))["other_info"][0]

    def poison(self, images, labels):
        """Copies of the dataset's training images [N, 3, 32, 32] and labels [N], poisoned."""
        import numpy
        import torch
        from PIL import Image
        images, labels = images.clone(), labels.clone()
        for index, (path, label) in self.poisoned.items():
            pixels = numpy.array(Image.open(path).convert("RGB")).transpose(2, 0, 1)
            images[index], labels[index] = torch.from_numpy(pixels), label
        return images, labels

    def save(self, model):
        import torch
        state = model.state_dict()
        for name, value in state.items():
            state[name] = value.detach().cpu().contiguous()
        self.content["model"] = state
        torch.save(self.content, self.path + ".tmp")
        os.replace(self.path + ".tmp", self.path)


class Training:
    """One model, compiled once, that is trained from a new start for each run."""

    def __init__(self, width, options):
        import torch
        sys.path.insert(0, os.path.join(tuning.ROOT, "Tests", "Goldens"))
        import models
        self.options, self.build = options, lambda: models.build("resnet18", width)
        self.device = torch.device(
            options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.on_gpu = self.device.type == "cuda"
        self.model = self.build().to(self.device, memory_format=torch.channels_last)
        torch.backends.cudnn.benchmark = True
        self.loss = torch.compile(self.forward) if self.on_gpu else self.forward

    def forward(self, images, labels):
        import torch
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.on_gpu):
            logits = self.model(images)
        return torch.nn.functional.cross_entropy(logits.float(), labels)

    def train(self, images, labels, seed, progress):
        """Trains a new model on images of bytes [N, 3, 32, 32] and labels [N]."""
        import torch
        options = self.options
        torch.manual_seed(seed)
        self.model.load_state_dict(self.build().state_dict())
        self.model.train()
        images, labels = images.to(self.device), labels.to(self.device)
        batches = len(labels) // options.batch_size  # the last images, fewer than a batch, are left out
        optimizer = torch.optim.SGD(self.model.parameters(), lr=options.lr, momentum=0.9,
                                    weight_decay=options.wd, fused=self.on_gpu)
        if options.lr_scheduler == "OneCycleLR":
            schedule = torch.optim.lr_scheduler.OneCycleLR(
                optimizer, options.lr, total_steps=options.epochs * batches, cycle_momentum=False)
        else:
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
                optimizer, options.epochs * batches)
        for epoch in range(options.epochs):
            order = torch.randperm(len(labels), device=self.device)[:batches * options.batch_size]
            for chosen in order.split(options.batch_size):
                inputs = tuning.as_input(tuning.augmented(images[chosen]))
                loss = self.loss(inputs, labels[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
            progress(epoch, loss.item())

    def judged(self, run, test):
        """C-ACC and ASR, with parameters of 32 bits."""
        import torch
        self.model.eval()

        def share(images, labels):
            return tuning.share_taken_for(
                self.model, images.to(self.device), labels.to(self.device), 500)
        target = torch.full((len(run.triggered),), run.target)
        return {"c_acc": share(*test), "asr": share(run.triggered, target) if len(target) else None}


def main():
    options = arguments()
    images, labels = tuning.read_cifar(options.dataset_path, tuning.TRAINING_FILES)
    test = tuning.read_cifar(options.dataset_path, ["test_batch.bin"])
    training = None
    for folder in options.runs:
        run = Run(folder)
        width = options.width or run.width
        if training is None or training.model.conv1.out_channels != width:
            training = Training(width, options)
        start = time.perf_counter()
        training.train(
            *run.poison(images, labels), options.seed,
            progress=lambda epoch, loss: print(
                f"{folder}: epoch {epoch + 1}/{options.epochs}, loss {loss:.4f}", file=sys.stderr))
        seconds = time.perf_counter() - start
        run.save(training.model)
        print(json.dumps({"run": folder, "epochs": options.epochs, "seconds": round(seconds, 1),
                          **training.judged(run, test)}), flush=True)


if __name__ == "__main__":
    main()
