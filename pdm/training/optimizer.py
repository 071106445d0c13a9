"""How a denoiser's weights take a step: AdamW, or Muon for the matrices inside the net."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import torch
from torch import nn

from pdm.config import OPTIMIZERS, OptimConfig
from pdm.model.denoiser import Denoiser
from pdm.support.checks import one_of

MOMENTUM = 0.95
# x -> a x + b x^3 + c x^5, five times over, brings every singular value in (0, 1] close to 1: Jordan et al. 2024.
POLYNOMIAL, TIMES = (3.4445, -4.7750, 2.0315), 5
# The size of AdamW's steps, so that its learning rates serve: section 2.2, Liu et al. 2025 (arXiv 2502.16982).
SIZE = 0.2
OUTSIDE = ("conv_in.", "conv_out.", "time_embedding.")  # what a net sees and says is no matrix inside it


def make_optimizer(config: OptimConfig, denoiser: Denoiser, dtype: torch.dtype) -> torch.optim.Optimizer:
    """What the denoiser learns by. `dtype`: that of the machine's fast matrix products, in which Muon works."""
    one_of("optimizer", config.optimizer, OPTIMIZERS)
    options = {"lr": config.learning_rate, "betas": config.betas, "weight_decay": config.weight_decay}
    if config.optimizer == "adamw":
        return torch.optim.AdamW(denoiser.parameters(), fused=True, **options)
    return Muon(*inside(denoiser), dtype, **options)


def inside(denoiser: Denoiser) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The weights of the matrices and convolutions inside the net, and all others."""
    matrices, others = [], []
    for name, weight in denoiser.named_parameters():
        is_inside = weight.ndim > 1 and not name.removeprefix("unet.").startswith(OUTSIDE)
        (matrices if is_inside else others).append(weight)
    return matrices, others


class Muon(torch.optim.AdamW):
    """AdamW for `others`, and for `matrices` steps of their momentum made orthogonal (Jordan et al. 2024, "Muon").

    A convolution's weight (out, in, h, w) is a matrix (out, in h w).
    """

    def __init__(self, matrices: Iterable[nn.Parameter], others: Iterable[nn.Parameter], dtype: torch.dtype, **options):
        super().__init__([{"params": [*matrices], "muon": True}, {"params": [*others], "muon": False}], **options)
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable | None = None):
        """One step; uses up the gradients of the matrices, which AdamW therefore passes over."""
        for group in self.param_groups:
            if group["muon"]:
                self._turn(group)
        return super().step(closure)

    def _turn(self, group: dict) -> None:
        alike = defaultdict(list)  # matrices of one shape are made orthogonal together
        for weight in group["params"]:
            if weight.grad is None:
                continue
            state = self.state[weight]
            if not state:
                state.update(momentum=torch.zeros_like(weight), step=torch.tensor(0.0))  # AdamW loads no state without
            state["step"] += 1
            momentum = state["momentum"].lerp_(weight.grad, 1 - MOMENTUM)
            step = weight.grad.lerp(momentum, MOMENTUM).flatten(1)  # Nesterov's
            alike[step.shape].append((weight, step))
            weight.grad = None
        for shape, found in alike.items():
            steps = orthogonal(torch.stack([step for _, step in found]).to(self.dtype))
            for (weight, _), step in zip(found, steps, strict=True):
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.sub_(step.view_as(weight), alpha=group["lr"] * SIZE * max(shape) ** 0.5)


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """Nearly U V^T for each matrix U S V^T of (B, M, N), by Newton and Schulz's iteration."""
    wide = matrices if matrices.shape[1] <= matrices.shape[2] else matrices.mT  # the product below is the smaller one
    wide = wide / (wide.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = POLYNOMIAL
    for _ in range(TIMES):
        square = wide @ wide.mT
        square = torch.baddbmm(square, square, square, beta=b, alpha=c)
        wide = torch.baddbmm(wide, square, wide, beta=a)
    return wide if matrices.shape[1] <= matrices.shape[2] else wide.mT
