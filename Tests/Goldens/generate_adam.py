"""Writes adam.json: ten steps of PyTorch's Adam on 12 parameters, with and without amsgrad.

Run with any PyTorch: python3 generate_adam.py > adam.json
"""

import json

import torch

cases = []
for amsgrad, decay, betas in [(False, 0.0, (0.9, 0.999)), (True, 0.0, (0.9, 0.999)), (False, 5e-4, (0.5, 0.9))]:
    start = torch.tensor([0.1 * i - 0.5 for i in range(12)])
    parameter = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([parameter], lr=0.01, betas=betas, weight_decay=decay, amsgrad=amsgrad)
    gradients, values = [], []
    for step in range(10):
        gradient = torch.tensor([((7 * i + 3 * step) % 11 - 5) / (1 + step % 3) for i in range(12)])
        gradients.append(gradient.tolist())
        parameter.grad = gradient.clone()
        for group in optimizer.param_groups:
            group["lr"] = 0.01 if step < 5 else 0.003
        optimizer.step()
        values.append(parameter.detach().tolist())
    cases.append(dict(amsgrad=amsgrad, decay=decay, betas=betas, start=start.tolist(), gradients=gradients, values=values))
print(json.dumps(cases))
