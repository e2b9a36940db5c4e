#!/usr/bin/env python3
"""Writes image_gradients.json beside this script: PyTorch's gradients by the input images.

    python3 Tests/Goldens/generate_image_gradients.py

Made with Python 3.11, torch 2.13.0 (CPU), numpy 2.4.6. Models, inputs and the form of a tensor are
those of generate.py, whose header describes them; everything is computed in float64.

For each model, in training and in evaluation mode: the gradient by the images of the mean
cross-entropy, and of the sum over the images of (feature k - TARGET)^2, k in NEURONS, where the
features are the inputs of the head.
"""
import sys

import torch
import torch.nn.functional as F

import generate

NEURONS, TARGET = [5, 23], 10.0
SIZE = 2
# Which batches, found by trying 0, 1, 2 ...: no input of a ReLU is so close to zero, in either
# mode, that rounding may change its side; see generate.smallest_relu_input.
BATCHES = {"resnet18": 4, "preactresnet18": 0}
SMALLEST = 2e-5


def batch(name, number):
    key = f"image_gradients/{name}/{number}"
    images = generate.tensor(f"{key}/images", (SIZE, 3, 32, 32), 2)
    return images, generate.labels(f"{key}/labels", SIZE)


def gradients(name, training, number):
    """Both gradients, and the smallest |x| / deviation of x over all inputs of ReLUs."""
    model, smallest, features = generate.fresh(name, torch.float64), [], []
    model.train(training)

    def look(module, inputs):
        x = inputs[0].detach()
        if type(module) is torch.nn.ReLU:
            smallest.append((x.abs().min() / x.std()).item())
        if module is model.linear:
            features.append(inputs[0])

    images, target = batch(name, number)
    images.requires_grad_(True)
    with torch.nn.modules.module.register_module_forward_pre_hook(look):
        logits = model(images)
    loss = F.cross_entropy(logits, target)
    cost = ((features[0][:, NEURONS] - TARGET) ** 2).sum()
    by_loss, = torch.autograd.grad(loss, images, retain_graph=True)
    by_cost, = torch.autograd.grad(cost, images)
    return {"loss": loss.item(), "cost": cost.item(), "by_loss": by_loss, "by_cost": by_cost,
            "features": features[0].detach()}, min(smallest)


def case(name):
    number = BATCHES[name]
    while True:
        results = {mode: gradients(name, mode == "training", number)
                   for mode in ("training", "differentiating")}
        smallest = min(value for _, value in results.values())
        if smallest > SMALLEST:
            break
        number += 1
    print(name, "batch", number, "smallest ReLU input", smallest, file=sys.stderr)
    return {"batch": f"image_gradients/{name}/{number}", "smallest_relu_input":
            generate.number(smallest, 2),
            **{mode: generate.as_text(result) for mode, (result, _) in results.items()}}


if __name__ == "__main__":
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    generate.write("image_gradients.json", {
        "made_by": f"generate_image_gradients.py, torch {torch.__version__}",
        "neurons": NEURONS, "target": TARGET, "batch_size": SIZE,
        **{name: case(name) for name in BATCHES}})
