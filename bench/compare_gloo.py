#!/usr/bin/env python3
"""Compares fst's sum over ranks and training step with PyTorch's (DDP over gloo), in one run.

  bench/compare_gloo.py allreduce            2 ranks on this machine, 44.7 MB
  bench/compare_gloo.py step                 2 ranks, one thread each, batch 64 a rank, width 64

For several hosts, name the command that starts one rank on each (it is followed by the program):
  bench/compare_gloo.py step --launch 'mpirun --hostfile hosts -np 2 --bind-to none' \\
      --master 10.0.0.1
Needs PyTorch in this python and `make build`; the last line of output is JSON.
"""
import argparse, json, os, shlex, statistics, subprocess, sys, time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLOATS = 11_173_962
# Passes that are not timed: DDP's hook for PowerSGD begins with the third.
WARM_UP = 3


def resnet18(torch, width):
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, inputs, planes, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(planes)
            self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(planes)
            self.shortcut = nn.Sequential()
            if stride != 1 or inputs != planes:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(inputs, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))

        def forward(self, x):
            y = torch.relu(self.bn1(self.conv1(x)))
            return torch.relu(self.bn2(self.conv2(y)) + self.shortcut(x))

    layers = [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    inputs = width
    for stage in range(4):
        for position in range(2):
            planes = width << stage
            layers.append(Block(inputs, planes, 2 if stage and not position else 1))
            inputs = planes
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10)]
    return nn.Sequential(*layers)


def hooked(torch, model, name):
    """`model`, whose gradients travel by DDP's communication hook of that name."""
    from torch.distributed.algorithms.ddp_comm_hooks import default_hooks, powerSGD_hook
    if name == "powersgd":
        state = powerSGD_hook.PowerSGDState(
            None, matrix_approximation_rank=2, start_powerSGD_iter=2)
        model.register_comm_hook(state, powerSGD_hook.powerSGD_hook)
    elif name != "none":
        model.register_comm_hook(None, getattr(default_hooks, f"{name}_compress_hook"))
    return model


def worker(options):
    """One rank of PyTorch: times as fst does, from a barrier to the rank's own end."""
    import torch
    import torch.distributed as dist
    rank = int(os.environ.get("OMPI_COMM_WORLD_RANK", "0"))
    size = int(os.environ.get("OMPI_COMM_WORLD_SIZE", "1"))
    torch.set_num_threads(1)
    torch.manual_seed(0)
    dist.init_process_group(
        "gloo", init_method=f"tcp://{options.master}:{options.port}", rank=rank, world_size=size)
    if options.what == "allreduce":
        buffer = torch.zeros(FLOATS)

        def once():
            dist.all_reduce(buffer)
            dist.barrier()
    else:
        model = resnet18(torch, options.width).to(memory_format=torch.channels_last)
        model = hooked(torch, torch.nn.parallel.DistributedDataParallel(model), options.hook)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
        images = torch.randn(options.batch_size, 3, 32, 32).to(memory_format=torch.channels_last)
        labels = torch.randint(10, (options.batch_size,))

        def once():
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=options.autocast):
                loss = torch.nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
    walls = []
    for _ in range(options.steps + WARM_UP):
        dist.barrier()
        start = time.perf_counter()
        once()
        walls.append(time.perf_counter() - start)
    if rank == 0:
        print(json.dumps({"seconds": statistics.median(walls[WARM_UP:]), "ranks": size}), flush=True)
    dist.destroy_process_group()


def last_json(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    return json.loads([line for line in done.stdout.splitlines() if line.strip()][-1])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["allreduce", "step"])
    parser.add_argument("--launch", default="mpirun -np 2 --bind-to none --oversubscribe")
    parser.add_argument("--master", default="127.0.0.1", help="rank 0's address, for PyTorch")
    parser.add_argument("--port", type=int, default=29517)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch_size", type=int, default=64, help="images of each rank")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3, help="times each side runs, in turn")
    parser.add_argument("--hook", default="none", choices=["none", "fp16", "powersgd"],
                        help="how PyTorch's gradients travel")
    parser.add_argument("--autocast", action="store_true", help="PyTorch's bfloat16 autocast")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return worker(options)
    if os.geteuid() == 0:
        os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    launch = shlex.split(options.launch)
    sizes = ["--width", str(options.width), "--steps", str(options.steps)]
    fst = [os.path.join(ROOT, ".build", "release", "fst"), "bench", options.what, "--json", *sizes]
    torch = [sys.executable, os.path.abspath(__file__), options.what, "--worker", *sizes,
             "--master", options.master, "--port", str(options.port),
             "--batch_size", str(options.batch_size), "--hook", options.hook]
    if options.autocast:
        torch.append("--autocast")
    if options.what == "step":
        fst += ["--threads", "1", "--batch_size", str(options.batch_size)]
    ours, theirs = [], []
    for _ in range(options.rounds):
        report = last_json(launch + fst)
        ours.append(report["seconds" if options.what == "allreduce" else "seconds_per_step"]["median"])
        theirs.append(last_json(launch + torch)["seconds"])
    ratios = [b / a for a, b in zip(ours, theirs)]
    print(f"{options.what}: fst {statistics.median(ours):.4f} s, PyTorch over gloo "
          f"{statistics.median(theirs):.4f} s (medians of {options.rounds} runs)")
    print(json.dumps({"fst_seconds": ours, "gloo_seconds": theirs,
                      "ratio": statistics.median(ratios), "ratios": ratios}))


if __name__ == "__main__":
    main()
