"""How well a device is used: floating-point operations counted, and the rate it reaches on a matrix product."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from pdm.model.conditioning import null_condition
from pdm.model.denoiser import Denoiser
from pdm.support.timing import timed

MATRIX = {"cuda": 8192}  # rows and columns of the product that the peak is measured with; 1024 elsewhere
BACKWARD = 2  # a backward pass takes twice the operations of the forward one


def operations(call: Callable[[], object]) -> int:
    """Floating-point operations of whatever `call` does with torch; a multiplication and an addition are two."""
    with FlopCounterMode(display=False) as counted:
        call()
    return counted.get_total_flops()


@cache
def peak(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of a large matrix product, measured once a process."""
    n = MATRIX.get(device.type, 1024)
    a, b = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
    return 2 * n**3 / timed(lambda: a @ b, device, repeats=10).median


_COUNTED: dict[str, int] = {}  # by the denoiser's configuration


@torch.no_grad()
def operations_an_image(denoiser: Denoiser) -> int:
    """What the denoiser's training takes for one image: a forward and a backward pass. Counted once a configuration."""
    shape = denoiser.to_json_string()
    if shape not in _COUNTED:
        _COUNTED[shape] = _counted(denoiser)
    return _COUNTED[shape]


def _counted(denoiser: Denoiser) -> int:
    config, device = denoiser.config, denoiser.null_token.device
    x = torch.zeros(1, config.channels, config.image_size, config.image_size, device=device)
    condition = null_condition(1, config.token_dim).to(device)
    return (1 + BACKWARD) * operations(lambda: denoiser(x, torch.ones(1, device=device), condition))


class Speed:
    """Images a second since the last look, and the share of the device's peak that the denoiser makes of them."""

    def __init__(self, denoiser: Denoiser, device: torch.device, dtype: torch.dtype):
        self.device, self.dtype = device, dtype
        self.operations = operations_an_image(denoiser)
        self.start(0)

    def start(self, images_seen: int) -> None:
        self.since, self.images = time.monotonic(), images_seen

    def look(self, images_seen: int, devices: int = 1) -> dict[str, float]:
        """Call it where the host has waited for the device."""
        rate = (images_seen - self.images) / max(time.monotonic() - self.since, 1e-9)
        reached = rate * self.operations
        return {
            "images_per_s": round(rate, 1),
            "tflops": round(reached / 1e12, 4),
            "peak_share": round(reached / devices / peak(self.device, self.dtype), 4),
        }
