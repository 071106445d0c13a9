"""What makes training fast on a GPU. Nothing here changes a run on the CPU."""

from __future__ import annotations

import torch

from pdm.data.images import ImageData
from pdm.model.denoiser import Denoiser

COMPILE_MINUTES = 4.0  # a shorter run does not win back the minute that compiling takes
ROOM = 4  # times the data set's size that must be free for it to lie on the device


def beside(data: ImageData, device: torch.device) -> ImageData:
    """The data set as bytes in a GPU's memory, where that has the room; else as it is."""
    if device.type != "cuda" or torch.cuda.mem_get_info(device)[0] < ROOM * data.images.nbytes:
        return data
    return data.to(device)


def laid_out(denoiser: Denoiser, device: torch.device) -> None:
    """On a GPU: move the net there and lay its tensors out as kernels want them. Call it before making an optimiser."""
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
        denoiser.to(device, memory_format=torch.channels_last)


def compile_net(denoiser: Denoiser, device: torch.device, minutes: float) -> None:
    """On a GPU: compile the UNet, where the run is long enough. What cannot be compiled runs as it is."""
    if device.type == "cuda" and minutes >= COMPILE_MINUTES:
        torch._dynamo.config.suppress_errors = True
        denoiser.unet.compile()


def step_generator(seed: int, step: int, device: torch.device | str = "cpu") -> torch.Generator:
    """All of a step's randomness comes from (seed, step), so a resumed run needs no random state.

    On a GPU it is drawn there: a batch's noise alone would keep a host busy for longer than the step takes.
    """
    where = device if torch.device(device).type == "cuda" else "cpu"
    return torch.Generator(where).manual_seed((seed * 1_000_003 + step) % 2**63)
