#!/usr/bin/env python3
"""Compares a step of attacks and defences with the same in PyTorch, in the same minutes.

    swift build -c release
    python3 bench/compare_methods.py --rounds 3                     # all methods below
    python3 bench/compare_methods.py --methods wanet inputaware
    python3 bench/compare_methods.py --methods anp --precision int16

Images are random bytes in CIFAR-10's binary format, 1,280 to train on and 20 to test: ten batches
of 128. fst's step is what a whole command takes for more steps, less what it takes for fewer, over
their difference: reading, evaluating and writing are in both. PyTorch's is the median of its steps,
each done on images that are in memory as floats, in channels_last. Rounds alternate which goes
first. CPU time is the sum over threads, and on a machine with other work it is the figure to trust.

What a step is: wanet - a tenth of the batch warped, a fifth warped with noise, the batch rotated,
cropped and flipped, the classifier's step; inputaware - generator and masks for a tenth and again
for another, the classifier's step and Adam's through the patterns; ft-sam - two passes and SGD;
i-bau - the change found on a batch, and the network's step with five products of its implicit
gradient; anp - one noisy and one quiet pass and the masks' step; rnp - the masks' step of recovery;
nad - a step of the teacher and one of the student; sau - one move of the search through both
networks and the step that unlearns; pam - the step at weights moved back; nc - the step of one
class's mask and pattern through the frozen classifier; clp - all of its bounds, beside the whole
command of fst; scan - nc's steps of ten classes, 20 of each, beside the whole `fst
scan`. ft, fst, ep and fp take plain steps and evaluations, which compare_pytorch.py times.

Needs PyTorch (2.13 was used) and numpy; --python names an interpreter that has them.
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
IMAGES, TESTS, BATCH = 1280, 20, 128
STEPS_PER_PASS = IMAGES // BATCH
SCAN_STEPS = 200
METHODS = ("wanet", "inputaware", "ft-sam", "i-bau", "anp", "rnp", "nad", "sau", "pam", "nc", "clp",
           "scan")


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="The header of this file says more.")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--width", type=int, default=64, help="planes of the first stage")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="processes per contestant")
    parser.add_argument("--precision", choices=("float32", "int16"), default="float32",
                        help="of fst's convolutions; PyTorch's are floats")
    parser.add_argument("--fst", default=os.path.join(ROOT, ".build", "release", "fst"))
    parser.add_argument("--python", default=sys.executable, help="an interpreter with PyTorch")
    parser.add_argument("--worker", choices=METHODS, help=argparse.SUPPRESS)
    return parser.parse_args()


# PyTorch's side: each function makes a step

def classifier(options, torch):
    sys.path.insert(0, os.path.join(ROOT, "Tests", "Goldens"))
    import models
    return models.build("resnet18", options.width).to(memory_format=torch.channels_last)


def sgd(torch, model, rate=0.01):
    return torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4)


def wanet(options, torch, x, y):
    F = torch.nn.functional
    model = classifier(options, torch)
    optimizer = sgd(torch, model)
    flow = torch.rand(1, 2, 4, 4) * 2 - 1
    field = F.interpolate(flow / flow.abs().mean(), size=32, mode="bicubic", align_corners=True)
    line = torch.linspace(-1, 1, 32)
    rows, columns = torch.meshgrid(line, line, indexing="ij")
    plain = torch.stack((columns, rows), 2)[None]
    grid = (plain + 0.5 * field.permute(0, 2, 3, 1) / 32).clamp(-1, 1)
    poisoned, crossed = BATCH // 10, 2 * (BATCH // 10)

    def augment(images):
        angles = (torch.rand(len(images)) * 2 - 1) * torch.pi / 18
        cos, sin, zero = angles.cos(), angles.sin(), torch.zeros(len(images))
        turn = torch.stack((cos, -sin, zero, sin, cos, zero), 1).view(-1, 2, 3)
        images = F.grid_sample(
            images, F.affine_grid(turn, images.shape, align_corners=False), align_corners=False)
        row, column = torch.randint(11, (2,))
        images = F.pad(images, (5, 5, 5, 5))[:, :, row:row + 32, column:column + 32]
        return images.flip(3)

    def step():
        noise = (torch.rand(crossed, 32, 32, 2) * 2 - 1) / 32
        warped = F.grid_sample(x[:poisoned], grid.expand(poisoned, -1, -1, -1), align_corners=True)
        cross = F.grid_sample(
            x[poisoned:poisoned + crossed], (grid + noise).clamp(-1, 1), align_corners=True)
        images = augment(torch.cat((warped, cross, x[poisoned + crossed:])))
        labels = torch.cat((torch.zeros(poisoned, dtype=torch.long), y[poisoned:]))
        optimizer.zero_grad()
        F.cross_entropy(
            model(images.contiguous(memory_format=torch.channels_last)), labels).backward()
        optimizer.step()
    return step


def pattern_network(torch, outputs):
    nn = torch.nn

    def layer(inputs, planes, relu=True):
        parts = [nn.Conv2d(inputs, planes, 3, padding=1), nn.BatchNorm2d(planes, momentum=0.05)]
        return parts + [nn.ReLU()] * relu
    parts, inputs = [], 3
    for planes in (32, 64, 128):
        parts += [*layer(inputs, planes), *layer(planes, planes), nn.MaxPool2d(2)]
        inputs = planes
    parts += layer(128, 128)
    for first, second in ((128, 64), (64, 32), (32, outputs)):
        parts += [nn.Upsample(scale_factor=2, mode="bilinear"), *layer(inputs, first),
                  *layer(first, second, second != outputs)]
        inputs = second
    return nn.Sequential(*parts).to(memory_format=torch.channels_last)


def inputaware(options, torch, x, y):
    F = torch.nn.functional
    model = classifier(options, torch)
    generator, masks = pattern_network(torch, 3), pattern_network(torch, 1).eval()
    optimizer = sgd(torch, model)
    adam = torch.optim.Adam(generator.parameters(), lr=0.01, betas=(0.5, 0.9))
    count, other = BATCH // 10, x.flip(0)
    bounded = lambda z: torch.tanh(torch.tanh(z)) / (2 + 1e-7) + 0.5

    def triggered(images, source):
        pattern = bounded(generator(source))
        with torch.no_grad():
            mask = torch.tanh(20 * bounded(masks(source)) - 10) / (2 + 1e-7) + 0.5
        return images + (pattern - images) * mask, pattern

    apart = lambda a, b: ((a - b) ** 2).mean((1, 2, 3)).sqrt()

    def step():
        optimizer.zero_grad()
        bad, first = triggered(x[:count], x[:count])
        cross, second = triggered(x[count:2 * count], other[count:2 * count])
        images = torch.cat((bad, cross, x[2 * count:]))
        labels = torch.cat((torch.zeros(count, dtype=torch.long), y[count:]))
        diversity = apart(x[:count], other[count:2 * count]) / (apart(first, second) + 1e-7)
        loss = F.cross_entropy(
            model(images.contiguous(memory_format=torch.channels_last)), labels)
        (loss + diversity.mean()).backward()
        optimizer.step()
        adam.step()
    return step


def ft_sam(options, torch, x, y):
    F = torch.nn.functional
    model = classifier(options, torch)
    optimizer = sgd(torch, model)
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]

    def step():
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        with torch.no_grad():
            parameters = list(model.parameters())
            scaled = [p.abs() * p.grad for p in parameters]
            norm = torch.stack([s.norm() for s in scaled]).norm() + 1e-12
            moves = [p.abs() * s * (2 / norm) for p, s in zip(parameters, scaled)]
            for p, move in zip(parameters, moves):
                p.add_(move)
        for layer in norms:
            layer.momentum = 0
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        with torch.no_grad():
            for p, move in zip(parameters, moves):
                p.sub_(move)
        for layer in norms:
            layer.momentum = 0.1
        optimizer.step()
    return step


def i_bau(options, torch, x, y):
    F = torch.nn.functional
    model = classifier(options, torch).eval()
    parameters = list(model.parameters())
    optimizer = torch.optim.Adam(parameters, lr=1e-4, amsgrad=True)
    count, first, labels = BATCH // 100, x.clone(), y.clone()

    def inner(images, classes, w):
        return 0.001 * (w ** 2).sum() - F.cross_entropy(model(images + w), classes)

    def step():
        w = torch.zeros(1, 3, 32, 32, requires_grad=True)
        with torch.no_grad():
            pseudo = model(x).argmax(1)
        slope, = torch.autograd.grad(inner(x, pseudo, w), w)
        w = (w - 10 * slope).detach().requires_grad_()
        images = torch.cat((x[:count] + w, x[count:]))
        outer = F.cross_entropy(model(images), y)
        *direct, g = torch.autograd.grad(outer, [*parameters, w])
        slope, = torch.autograd.grad(inner(first, labels, w), w, create_graph=True)
        moved = w - 0.1 * slope
        v = torch.zeros_like(w)
        for _ in range(5):
            v = torch.autograd.grad(moved, w, v, retain_graph=True)[0] + g
        implicit = torch.autograd.grad(moved, parameters, v, allow_unused=True)
        for parameter, one, other in zip(parameters, direct, implicit):
            parameter.grad = one if other is None else one + other
        optimizer.step()
    return step


def rnp(options, torch, x, y):
    F, nn = torch.nn.functional, torch.nn

    class Masked(nn.BatchNorm2d):
        """BatchNorm whose factors are masked."""

        def forward(self, maps):
            return F.batch_norm(
                maps, self.running_mean, self.running_var, self.weight * self.m, self.bias, True,
                0.1, self.eps)
    model = classifier(options, torch)
    model.requires_grad_(False)
    masks = []
    for layer in [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]:
        layer.__class__ = Masked
        layer.m = nn.Parameter(torch.ones_like(layer.weight))
        masks.append(layer.m)
    optimizer = torch.optim.SGD(masks, lr=0.2, momentum=0.9)

    def step():
        optimizer.zero_grad()
        (0.2 * F.cross_entropy(model(x), y)).backward()
        optimizer.step()
        with torch.no_grad():
            for m in masks:
                m.clamp_(0, 1)
    return step


def nad(options, torch, x, y):
    F = torch.nn.functional
    teacher, tuned, student = (classifier(options, torch) for _ in range(3))
    teacher.eval()
    plain, optimizer = sgd(torch, tuned), sgd(torch, student)
    maps = {}
    for model in (teacher, student):
        for name, weight in (("layer2", 500), ("layer3", 1000), ("layer4", 1000)):
            getattr(model, name).register_forward_hook(
                lambda _, __, out, key=(model is teacher, weight, name): maps.__setitem__(key, out))

    def attention(z):
        a = z.pow(2).sum(1, keepdim=True)
        return a / (torch.linalg.vector_norm(a, dim=(2, 3), keepdim=True) + 1e-6)

    def step():
        plain.zero_grad()
        F.cross_entropy(tuned(x), y).backward()
        plain.step()
        with torch.no_grad():
            teacher(x)
        optimizer.zero_grad()
        loss = F.cross_entropy(student(x), y)
        for (of_teacher, weight, name), z in list(maps.items()):
            if not of_teacher:
                loss = loss + weight * F.mse_loss(
                    attention(z), attention(maps[(True, weight, name)]))
        loss.backward()
        optimizer.step()
    return step


def sau(options, torch, x, y):
    F = torch.nn.functional
    model, attacked = (classifier(options, torch).eval() for _ in range(2))
    attacked.requires_grad_(False)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, amsgrad=True)
    log = lambda values: values * values.log()

    def step():
        change = torch.full_like(x, 0.2, requires_grad=True)
        with torch.no_grad():
            clean, clean_attacked = model(x).argmax(1), attacked(x).argmax(1)
        images = (x + change / 0.25).contiguous(memory_format=torch.channels_last)
        a, b = model(images), attacked(images)
        fooled, fooled_attacked = a.argmax(1) != clean, b.argmax(1) != clean_attacked
        shared = fooled & fooled_attacked & (a.argmax(1) == b.argmax(1))
        fooling = (F.cross_entropy(a, y, reduction="none") * ~fooled).sum() + (
            F.cross_entropy(b, y, reduction="none") * ~fooled_attacked).sum()
        p, q = a.softmax(1).clamp(min=1e-8), b.softmax(1).clamp(min=1e-8)
        apart = (0.5 * (log(p) + log(q)) - log((p + q) / 2)) * ~shared[:, None]
        slope, = torch.autograd.grad(
            -0.01 * fooling / (2 * BATCH) + apart.sum() / BATCH, change)
        with torch.no_grad():
            change = (change - 0.2 * slope.sign()).clamp(-0.2, 0.2)
            images = (x + change / 0.25).contiguous(memory_format=torch.channels_last)
            reference, plain = attacked(images).argmax(1), attacked(x).argmax(1)
        optimizer.zero_grad()
        logits = model(torch.cat((x, images)).contiguous(memory_format=torch.channels_last))
        chances = logits[BATCH:].softmax(1)
        own = chances.gather(1, reference[:, None])[:, 0]
        others = chances.sum(1) - own
        suspicious = (reference != y) & (reference != plain)
        unlearned = (1e-6 + others.clamp(max=0.999)).log() + (
            1 + 1e-6 - own.clamp(min=0.001)).log()
        loss = F.cross_entropy(logits[:BATCH], y) - (unlearned * suspicious).sum() / (2 * BATCH)
        loss.backward()
        optimizer.step()
    return step


def pam(options, torch, x, y):
    F = torch.nn.functional
    model = classifier(options, torch)
    parameters = list(model.parameters())
    attacked = [p.detach().clone() for p in parameters]
    optimizer = torch.optim.SGD(parameters, lr=0.01, momentum=0.1)
    mask, pattern, count = torch.rand(1, 1, 32, 32), torch.rand(1, 3, 32, 32), BATCH // 5 + 1

    def step():
        stamped = (1 - mask) * x[:count] + mask * pattern
        images = torch.cat((stamped, x[count:])).contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            moves = [a - p for a, p in zip(attacked, parameters)]
            norm = torch.stack([move.norm() for move in moves]).norm()
            before = [p.clone() for p in parameters]
            for p, move in zip(parameters, moves):
                p.add_(move * (0.5 / (norm + 1e-12)))
        optimizer.zero_grad()
        F.cross_entropy(model(images), y).backward()
        with torch.no_grad():
            for p, old in zip(parameters, before):
                p.copy_(old)
        optimizer.step()
    return step


def clp(options, torch, x, y):
    model = classifier(options, torch).eval()
    layers = list(model.named_modules())
    pairs = [(first, second) for (_, first), (_, second) in zip(layers, layers[1:])
             if isinstance(first, torch.nn.Conv2d) and isinstance(second, torch.nn.BatchNorm2d)]

    def step():
        with torch.no_grad():
            for convolution, norm in pairs:
                deviations = (norm.running_var + norm.eps).sqrt()
                bounds = []
                for channel in range(norm.num_features):
                    weight = convolution.weight[channel]
                    weight = weight.reshape(weight.shape[0], -1) * (
                        norm.weight[channel] / deviations[channel]).abs()
                    bounds.append(torch.linalg.svdvals(weight).max())
                bounds = torch.stack(bounds)
                bounds > bounds.mean() + 3 * bounds.std()
    return step


def anp(options, torch, x, y):
    F, nn = torch.nn.functional, torch.nn

    class Masked(nn.BatchNorm2d):
        """BatchNorm whose factors and shifts are masked, and moved by noise where that is on."""
        noisy = False

        def arm(self):
            for name in ("m", "n", "b"):
                setattr(self, name, nn.Parameter(torch.full_like(self.weight, float(name == "m"))))

        def forward(self, maps):
            factor = self.m + self.n if self.noisy else self.m
            shift = 1 + self.b if self.noisy else 1
            return F.batch_norm(
                maps, self.running_mean, self.running_var, self.weight * factor,
                self.bias * shift, True, 0.1, self.eps)
    model = classifier(options, torch)
    model.requires_grad_(False)
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    for layer in norms:
        layer.__class__ = Masked
        layer.arm()
    masks = [layer.m for layer in norms]
    noise = [n for layer in norms for n in (layer.n, layer.b)]
    optimizer = torch.optim.SGD(masks, lr=0.01, momentum=0.9)

    def step():
        with torch.no_grad():
            for n in noise:
                n.uniform_(-0.4, 0.4)
        Masked.noisy = True
        slopes = torch.autograd.grad(F.cross_entropy(model(x), y), noise)
        with torch.no_grad():
            for n, slope in zip(noise, slopes):
                n.add_(0.4 * slope.sign())
        optimizer.zero_grad()
        (0.8 * F.cross_entropy(model(x), y)).backward(inputs=masks)
        Masked.noisy = False
        (0.2 * F.cross_entropy(model(x), y)).backward(inputs=masks)
        optimizer.step()
        with torch.no_grad():
            for m in masks:
                m.clamp_(0, 1)
    return step


def nc(options, torch, x, y):
    F = torch.nn.functional
    model = classifier(options, torch).eval().requires_grad_(False)
    mask, pattern = (torch.ones(1, planes, 32, 32, requires_grad=True) for planes in (1, 3))
    optimizer = torch.optim.Adam([mask, pattern], lr=0.1, betas=(0.5, 0.9))
    target = torch.zeros_like(y)

    def step():
        m = torch.tanh(mask) / (2 + 1e-7) + 0.5
        p = torch.tanh(pattern) / (2 + 1e-7) + 0.5
        images = (1 - m) * x + m * (p - 0.47) / 0.25
        optimizer.zero_grad()
        logits = model(images.contiguous(memory_format=torch.channels_last))
        (F.cross_entropy(logits, target) + 1e-3 * m.sum()).backward()
        optimizer.step()
    return step


def time_pytorch(options):
    import torch
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    x = torch.randn(BATCH, 3, 32, 32).to(memory_format=torch.channels_last)
    y = torch.randint(10, (BATCH,))
    if options.worker == "scan":
        step = nc(options, torch, x, y)
        wall, processor = time.perf_counter(), time.process_time()
        for _ in range(SCAN_STEPS):
            step()
        return print(json.dumps([time.perf_counter() - wall, time.process_time() - processor]))
    makers = {
        "wanet": wanet, "inputaware": inputaware, "ft-sam": ft_sam, "i-bau": i_bau, "anp": anp,
        "rnp": rnp, "nad": nad, "sau": sau, "pam": pam, "nc": nc, "clp": clp}
    step = makers[options.worker](options, torch, x, y)
    walls, processors = [], []
    for number in range(8):
        wall, processor = time.perf_counter(), time.process_time()
        step()
        if number >= 2:
            walls.append(time.perf_counter() - wall)
            processors.append(time.process_time() - processor)
        if sum(walls) > 30:
            break
    print(json.dumps([statistics.median(walls), statistics.median(processors)]))


# fst's side

def write_images(folder):
    import random
    generator = random.Random(0)
    for name, count in (("data_batch_1.bin", IMAGES), ("test_batch.bin", TESTS)):
        with open(os.path.join(folder, name), "wb") as file:
            for number in range(count):
                file.write(bytes([number % 10]) + generator.randbytes(3072))


def run(command, options):
    """Wall and processor seconds of a command that must succeed."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=environment)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"compare_methods: {command} ended with {done.returncode}: {done.stderr[-500:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def command(method, steps, place, options):
    """fst's command that makes so many steps, a multiple of ten."""
    shared = ["--dataset", "cifar10", "--dataset_path", place, "--threads", options.threads,
              "--precision", options.precision]
    if method in ("wanet", "inputaware"):
        passes = ["--epochs", steps // STEPS_PER_PASS]
        masks = ["--clean_train_epochs", 0] if method == "inputaware" else []
        return [options.fst, "attack", method, *shared, "--width", options.width, "--batch_size",
                BATCH, "--pratio", 0.1, "--record", f"{place}/{method}-{steps}", *passes, *masks]
    passes = {
        "ft-sam": ["--epochs", steps // STEPS_PER_PASS],
        "anp": ["--nb_iter", steps, "--pruning_by", "number", "--pruning_number", 1],
        "i-bau": ["--n_rounds", steps // STEPS_PER_PASS],
        "rnp": ["--unlearning_epochs", 1, "--recovering_epochs", steps // STEPS_PER_PASS],
        "nad": ["--te_epochs", steps // STEPS_PER_PASS],
        "sau": ["--n_rounds", steps // STEPS_PER_PASS, "--adv_steps", 1],
        "pam": ["--nc_epoch", 1, "--ul_round", steps // STEPS_PER_PASS],
        "clp": [],
        "nc": ["--nc_epoch", steps // STEPS_PER_PASS // 10]}[method]
    archive = f"{place}/model/attack_result.pt"
    if method == "nc":
        return [options.fst, "scan", archive, *shared, "--ratio", 1, "--batch_size", BATCH, *passes]
    return [options.fst, "defend", method, "--result", archive, *shared, "--split_ratio", 1,
            "--batch_size", BATCH, *passes]


def time_fst(method, place, options):
    if method == "clp":
        return run(command(method, 1, place, options), options)
    if method == "scan":
        return run(command("nc", SCAN_STEPS, place, options), options)
    # nc's steps are of ten classes, each the same number of passes.
    few, many = (100, 300) if method == "nc" else (10, 30)
    times = [run(command(method, steps, place, options), options) for steps in (few, many)]
    return [(longer - shorter) / (many - few) for shorter, longer in zip(*times)]


def main():
    options = arguments()
    if options.worker:
        return time_pytorch(options)
    if not os.access(options.fst, os.X_OK):
        sys.exit(f"compare_methods: no program at {options.fst}: swift build -c release")
    with tempfile.TemporaryDirectory() as place:
        write_images(place)
        run([options.fst, "attack", "badnet", "--dataset", "cifar10", "--dataset_path", place,
             "--width", options.width, "--max_steps", 1, "--record", place, "--save_folder_name", "model"], options)
        print("| step of | fst wall s | CPU s | PyTorch wall s | CPU s | wall ratio | CPU ratio |\n"
              "|---|---|---|---|---|---|---|")
        for method in options.methods:
            rounds = []
            for number in range(options.rounds):
                mine = lambda: time_fst(method, place, options)
                theirs = lambda: json.loads(subprocess.run(
                    [options.python, os.path.abspath(__file__), "--worker", method, "--width",
                     str(options.width), "--threads", str(options.threads)],
                    check=True, capture_output=True, text=True).stdout)
                if number % 2:
                    second, first = theirs(), mine()
                else:
                    first, second = mine(), theirs()
                rounds.append((*first, *second, second[0] / first[0], second[1] / first[1]))
            cells = [f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"
                     for values in zip(*rounds)]
            print(f"| {method} | " + " | ".join(cells) + " |", flush=True)
    print(f"\nn = {options.rounds} rounds, width {options.width}, batch {BATCH}, "
          f"{options.threads} threads, fst in {options.precision}; medians (range); ratio: PyTorch over fst")


if __name__ == "__main__":
    sys.exit(main())
