#!/usr/bin/env python3
"""Writes the goldens beside this script: what PyTorch computes, from inputs given by a formula.

    python3 Tests/Goldens/generate.py

Made with Python 3.11, torch 2.13.0 (CPU), numpy 2.4.6; other versions may differ by a digit.
Needs torch and numpy only, draws nothing at random, takes a few seconds. Never run by the tests.

Everything is computed in float64 from inputs rounded to float32, so that a golden is the value that
any float32 engine approaches, not one library's rounding of it. `float32_difference` in the model
files is how far PyTorch's own float32 is from it: the scale against which tolerances were chosen.

Inputs and initial parameters are not stored but computed (Tests/TestSupport/Formula.swift does the
same to the bit): uniform(name, i) = m / 2^23 - 1, where m is the top 24 bits of splitmix64 over the
FNV-1a hash of the name, and a tensor holds float32(offset + scale * uniform(name, i)).

A tensor of at most FULL elements is stored whole. A larger one is stored as its norm, its sum, its
dot products with DOTS vectors uniform("dot/<j>", i), its first and its last eight values. The
weights are independent of each other and of errors, so three times the mean square of the dot
products' errors estimates the squared norm of the error, and a value that is wrong or in the wrong
place shows.
"""
import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

import models

HERE = os.path.dirname(os.path.abspath(__file__))
FULL, DOTS = 400, 8
BATCH_SIZES = [2, 2, 1]  # the last one is partial, as the last batch of a tuning epoch is
BATCHES = {"resnet18": 766, "preactresnet18": 400}  # which batches: see smallest_relu_input
WIDTH = 4


# The formula

def uniform(name, count):
    """float64 values in [-1, 1), a function of name and index alone."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        steps = np.arange(1, count + 1, dtype=np.uint64)
        z = np.uint64(seed) + steps * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1


def tensor(name, shape, scale=1.0, offset=0.0):
    values = (offset + scale * uniform(name, math.prod(shape))).astype(np.float32)
    return torch.from_numpy(values).reshape(shape).double()


def labels(name, count, classes=10):
    return torch.from_numpy(np.floor((uniform(name, count) + 1) / 2 * classes).astype(np.int64))


# The text

def number(value, digits=9):
    value = float(f"{float(value):.{digits}g}")
    return int(value) if value == int(value) and abs(value) < 1e9 else value


def stored(value):
    """The JSON form of a tensor: whole, or its norm, sum, dot products and both ends."""
    flat = value.detach().double().reshape(-1).numpy()
    numbers = lambda array: [number(x) for x in array]
    result = {"shape": list(value.shape)}
    if flat.size <= FULL:
        result["values"] = numbers(flat)
        return result
    weights = [uniform(f"dot/{j}", flat.size) for j in range(DOTS)]
    result["norm"], result["sum"] = number(np.linalg.norm(flat)), number(flat.sum())
    result["dots"] = [number(flat @ weight, 12) for weight in weights]
    result["first"], result["last"] = numbers(flat[:8]), numbers(flat[-8:])
    return result


def as_text(value):
    """A nested result with its tensors and numbers in their JSON form."""
    if isinstance(value, dict):
        return {key: as_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [number(x) for x in value]
    return stored(value) if isinstance(value, torch.Tensor) else number(value)


def write(name, content):
    compact = lambda value: json.dumps(value, separators=(",", ":"))

    def text(value, indent):  # one line a tensor, a list of numbers or a row
        inner = indent + " "
        if isinstance(value, dict) and "shape" not in value:
            items = [f"{inner}{compact(key)}: {text(v, inner)}" for key, v in value.items()]
            return "{\n" + ",\n".join(items) + f"\n{indent}}}"
        if isinstance(value, list) and value and isinstance(value[0], list):
            return "[\n" + ",\n".join(inner + compact(row) for row in value) + f"\n{indent}]"
        return compact(value)

    made_by = f"generate.py, torch {torch.__version__}, numpy {np.__version__}"
    path = os.path.join(HERE, name)
    with open(path, "w") as file:
        file.write(text({"made_by": made_by, **content}, "") + "\n")
    print(f"{os.path.getsize(path):8} {name}")


# Layers

def differentiated(name, inputs, function):
    """The output of `function`, and its inputs' gradients under a formula-given output gradient."""
    leaves = {key: value.clone().requires_grad_() for key, value in inputs.items()}
    output = function(**leaves)
    gradient = torch.ones((), dtype=output.dtype)
    if output.dim():
        gradient = tensor(f"{name}/output_gradient", output.shape)
    output.backward(gradient)
    gradients = {key: leaf.grad for key, leaf in leaves.items()}
    return {"output": stored(output), "gradients": as_text(gradients)}


def unit_layers():
    """Each layer's output and gradients; every input is the formula over `<case>/<input>`."""
    cases = convolutions()
    cases["batch_norm"] = batch_norm("batch_norm")
    cases["batch_norm_relu"] = batch_norm("batch_norm_relu", relu=True)
    cases["batch_norm_residual_relu"] = batch_norm(
        "batch_norm_residual_relu", relu=True, residual=True)
    cases["batch_norm_evaluating"] = batch_norm("batch_norm_evaluating", training=False)
    for h, w in [(4, 4), (3, 5)]:
        name = f"average_pool_{h}x{w}"
        given = {"input": tensor(f"{name}/input", (3, 6, h, w))}
        cases[name] = differentiated(name, given, lambda input: input.mean(dim=(2, 3)))
    given = {"input": tensor("linear/input", (5, 12)), "weight": tensor("linear/weight", (10, 12)),
             "bias": tensor("linear/bias", (10,))}
    cases["linear"] = differentiated("linear", given, F.linear)
    for smoothing in (0.0, 0.1):
        name = f"cross_entropy_smoothing_{smoothing}"
        given = {"logits": tensor(f"{name}/logits", (7, 10), 4.0)}
        target = labels(f"{name}/labels", 7)
        run = lambda logits: F.cross_entropy(logits, target, label_smoothing=smoothing)
        cases[name] = {"labels": target.tolist(), **differentiated(name, given, run)}
    return cases


def convolutions():
    """Without bias, padding 1 for 3x3 and 0 for 1x1; sizes even and odd, smaller than the kernel,
    and wide enough that blocked kernels meet whole blocks and remainders."""
    cases = {}
    for kernel, stride, n, h, w, inputs, outputs in [
        (3, 1, 2, 7, 6, 3, 5), (3, 1, 1, 8, 8, 4, 4), (3, 1, 2, 1, 3, 2, 3),
        (3, 1, 2, 9, 11, 16, 24), (3, 2, 2, 8, 8, 4, 3), (3, 2, 2, 7, 5, 3, 4),
        (3, 2, 2, 10, 8, 16, 24), (1, 1, 2, 5, 4, 3, 6), (1, 2, 2, 8, 6, 4, 5),
        (1, 2, 2, 7, 5, 3, 4), (1, 2, 2, 10, 8, 16, 32),
    ]:
        name = f"conv{kernel}x{kernel}_stride{stride}_{n}x{h}x{w}x{inputs}_to_{outputs}"
        given = {"input": tensor(f"{name}/input", (n, inputs, h, w)),
                 "weight": tensor(f"{name}/weight", (outputs, inputs, kernel, kernel), 0.5)}
        run = lambda input, weight: F.conv2d(input, weight, stride=stride, padding=kernel // 2)
        cases[name] = {"kernel": kernel, "stride": stride, "input_shape": [n, inputs, h, w],
                       "output_channels": outputs, **differentiated(name, given, run)}
    return cases


def batch_norm(name, training=True, relu=False, residual=False):
    """[relu](bn(x) [+ residual]), x [4, 6, 5, 3]; momentum 0.1, epsilon 1e-5; the running variance
    takes the unbiased one."""
    shape = (4, 6, 5, 3)
    mean = tensor(f"{name}/running_mean", (6,), 0.5)
    variance = tensor(f"{name}/running_var", (6,), 0.5, 1)
    given = {"input": tensor(f"{name}/input", shape, 2, 0.5),
             "weight": tensor(f"{name}/weight", (6,), 0.5, 1),
             "bias": tensor(f"{name}/bias", (6,), 0.5)}
    if residual:
        given["residual"] = tensor(f"{name}/residual", shape)

    def run(input, weight, bias, residual=0):
        output = F.batch_norm(input, mean, variance, weight, bias, training) + residual
        return F.relu(output) if relu else output

    return {**differentiated(name, given, run),
            "running_mean_after": stored(mean), "running_var_after": stored(variance)}


# Models

def initial(model, prefix):
    """Every tensor of the state_dict by the formula over `<prefix>/<its name>`."""
    state = {}
    for name, value in model.state_dict().items():
        key, shape = f"{prefix}/{name}", tuple(value.shape)
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
        elif name.endswith("running_mean"):
            state[name] = tensor(key, shape, 0.1)
        elif name.endswith("running_var"):
            state[name] = tensor(key, shape, 0.5, 1)
        elif len(shape) == 4:
            state[name] = tensor(key, shape, math.sqrt(6 / math.prod(shape[1:])))
        elif name.startswith("linear"):
            state[name] = tensor(key, shape, math.sqrt(1 / model.linear.in_features))
        elif name.endswith("weight"):
            state[name] = tensor(key, shape, 0.3, 1)
        else:
            state[name] = tensor(key, shape, 0.2)
    return state


def batch(name, step):
    size, key = BATCH_SIZES[step], f"{name}/{BATCHES[name]}/{step}"
    return tensor(f"{key}/images", (size, 3, 32, 32), 2), labels(f"{key}/labels", size)


def fresh(name, dtype):
    model = models.build(name, WIDTH).double()
    model.load_state_dict(initial(model, name))
    return model.to(dtype)


def plain_training(name, dtype):
    """Three steps of SGD: learning rate 0.05, momentum 0.9, weight decay 5e-4 on all parameters."""
    model, result = fresh(name, dtype), {}
    images, _ = batch(name, 0)
    result["evaluating_logits"] = model.eval()(images.to(dtype)).detach()
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    losses, logits = [], {}
    for step in range(len(BATCH_SIZES)):
        images, target = batch(name, step)
        logits[str(step)] = model(images.to(dtype))
        loss = F.cross_entropy(logits[str(step)], target)
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            result["gradients"] = {k: p.grad.clone() for k, p in model.named_parameters()}
            result["buffers_after_1"] = {k: b.clone() for k, b in model.named_buffers()}
        optimizer.step()
    return {**result, "logits": logits, "losses": losses, "after": dict(model.state_dict())}


def tuning(name, mode, dtype, steps, lr=0.01, alpha=0.1):
    """`steps` tuning steps of `mode`: SGD, learning rate 0.01, momentum 0.9, no weight decay.

    After each step the head's weight is scaled back to the norm that it had before its
    re-initialisation, in every mode; optimizer state and bias are left alone.
    """
    model = fresh(name, dtype).train()
    original = model.linear.weight.detach().clone()
    if mode in ("fst", "ft-init", "fe-tuning"):
        bound = math.sqrt(1 / model.linear.in_features)
        with torch.no_grad():
            for key, parameter in model.linear.named_parameters():
                parameter.copy_(tensor(f"head/{key}", tuple(parameter.shape), bound))
    for key, parameter in model.named_parameters():
        head = key.startswith("linear.")
        frozen = not head if mode == "lp" else head and mode == "fe-tuning"
        parameter.requires_grad_(not frozen)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=lr, momentum=0.9)
    result = {"losses": [], "cross_entropies": [], "inner_products": [], "head_gradients": {}}
    for step in range(steps):
        images, target = batch(name, step)
        entropy = F.cross_entropy(model(images.to(dtype)), target)
        inner = (model.linear.weight * original).sum()
        loss = entropy + alpha * inner if mode == "fst" else entropy
        optimizer.zero_grad()
        loss.backward()
        result["losses"].append(loss.item())
        result["cross_entropies"].append(entropy.item())
        result["inner_products"].append(inner.item())
        if mode != "fe-tuning":
            result["head_gradients"][str(step)] = model.linear.weight.grad.clone()
        optimizer.step()
        with torch.no_grad():
            model.linear.weight.mul_(original.norm() / model.linear.weight.norm())
    return {**result, "original_norm": original.norm().item(), "after": dict(model.state_dict())}


def runs(name, dtype):
    steps = {"fst": 3, "ft": 1, "ft-init": 1, "fe-tuning": 2, "lp": 2}
    return {"sgd": plain_training(name, dtype),
            **{mode: tuning(name, mode, dtype, count) for mode, count in steps.items()}}


def relative_difference(a, b):
    """The largest relative L2 difference between the tensors of two nested results."""
    if isinstance(a, dict):
        return max(relative_difference(a[key], b[key]) for key in a) if a else 0.0
    a, b = (torch.as_tensor(x, dtype=torch.float64).reshape(-1) for x in (a, b))
    return ((a - b).norm() / b.norm().clamp_min(1e-30)).item()


def smallest_relu_input(name):
    """The smallest |x| / deviation of x over all inputs of ReLUs in all runs of a model.

    An input that close to zero may change sides by rounding alone, and a single one changes early
    gradients by 1e-3 or more: no library is wrong then. BATCHES was chosen, by trying 0, 1, 2 ...,
    so that this stays well above the rounding of a Winograd convolution, some 1e-6.
    """
    smallest = []

    def look(module, inputs):
        x = inputs[0].detach()
        smallest.append((x.abs().min() / x.std()).item())

    with torch.nn.modules.module.register_module_forward_pre_hook(
            lambda module, inputs: look(module, inputs) if type(module) is torch.nn.ReLU else None):
        runs(name, torch.float64)
    return min(smallest)


def model_file(name):
    exact, single = runs(name, torch.float64), runs(name, torch.float32)
    difference = {run: {key: number(relative_difference(single[run][key], exact[run][key]), 2)
                        for key in exact[run]} for run in exact}
    return {"model": name, "width": WIDTH, "batch_sizes": BATCH_SIZES,
            "batches": f"{name}/{BATCHES[name]}",
            "labels": {str(step): batch(name, step)[1].tolist() for step in range(3)},
            "smallest_relu_input": number(smallest_relu_input(name), 2),
            "float32_difference": difference, **as_text(exact)}


# Schedules

def rates(steps, base, make):
    """The learning rate that each step uses; the scheduler advances after the step."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
    schedule, used = make(optimizer), []
    for _ in range(steps):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return used


def schedules():
    S, cases = torch.optim.lr_scheduler, {}
    for base, period, steps in [(0.1, 100, 101), (0.01, 10, 10), (0.05, 1, 1), (0.01, 7, 7)]:
        used = rates(steps, base, lambda o: S.CosineAnnealingLR(o, T_max=period))
        cases[f"cosine_{base}_{period}_{steps}"] = {
            "kind": "cosine", "learning_rate": base, "period": period, "rates": used}
    for base, milestones, gamma, steps in [(0.1, [3, 6, 8], 0.1, 10), (0.05, [2, 2, 5], 0.2, 7)]:
        used = rates(steps, base, lambda o: S.MultiStepLR(o, milestones=milestones, gamma=gamma))
        cases[f"multi_step_{base}_{len(cases)}"] = {
            "kind": "multi_step", "learning_rate": base, "milestones": milestones, "gamma": gamma,
            "rates": used}
    for peak, fraction, steps in [(0.4, 0.3, 40), (0.4, 0.25, 40), (0.1, 0.3, 7), (1.2, 0.25, 13)]:
        make = lambda o: S.OneCycleLR(
            o, max_lr=peak, total_steps=steps, pct_start=fraction, div_factor=25,
            final_div_factor=1e4, cycle_momentum=False)
        cases[f"one_cycle_{peak}_{fraction}_{steps}"] = {
            "kind": "one_cycle", "learning_rate": peak, "warm_up_fraction": fraction,
            "total_steps": steps, "division": 25, "final_division": 1e4,
            "rates": rates(steps, peak, make)}
    # A loss that falls, stays, falls by less than the threshold, and rises; then noise.
    falling = [2 / (1 + k) for k in range(6)] + [0.33] * 14 + [0.33 * (1 - 5e-5)] * 13 + [0.2, 0.3]
    noisy = [1 + 0.5 * float(x) for x in uniform("plateau", 60)]
    for base, factor, losses in [(0.01, 0.1, falling), (0.1, 0.5, noisy), (1e-7, 0.1, [1.0] * 40)]:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
        schedule, used = S.ReduceLROnPlateau(optimizer, factor=factor), []
        for loss in losses:
            used.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step(loss)
        cases[f"plateau_{base}_{factor}"] = {
            "kind": "plateau", "learning_rate": base, "factor": factor, "losses": losses,
            "rates": used}
    cases["constant_0.01"] = {
        "kind": "constant", "learning_rate": 0.01,
        "rates": rates(5, 0.01, lambda o: S.ConstantLR(o, factor=1))}
    return cases


def state_dicts():
    """Name, element type and sizes of every tensor at the published width, in module order."""
    row = lambda key, value: [key, str(value.dtype).replace("torch.", ""), *value.shape]
    return {name: [row(*item) for item in models.build(name, 64).state_dict().items()]
            for name in ("resnet18", "preactresnet18")}


def main():
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    names = ("", "dot/0", "linear/weight")
    write("formula.json", {name.replace("/", "_") or "empty": [number(x) for x in uniform(name, 6)]
                           for name in names})
    write("unit_layers.json", unit_layers())
    for name in ("resnet18", "preactresnet18"):
        write(f"{name}_width{WIDTH}.json", model_file(name))
    write("schedules.json", schedules())
    write("state_dicts.json", state_dicts())


if __name__ == "__main__":
    sys.exit(main())
