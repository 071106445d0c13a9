"""A student's sampler: the clean image in one call, and again from it with less noise, one, two or four times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from pdm.model.conditioning import Condition
from pdm.model.denoiser import Denoise
from pdm.sampling.beneath import Beneath
from pdm.sampling.solvers import ALWAYS, Interval, Others, Sampling, Step, denoised_at, drive, image_noise
from pdm.sampling.windows import Windows

# The first level hides the image, as in training; 0.8 is about what the papers found best for a second step.
LEVELS: dict[int, tuple[float, ...]] = {1: (80.0,), 2: (80.0, 0.8), 4: (80.0, 5.0, 1.5, 0.5)}
TUNED_STEPS = tuple(LEVELS)
GUIDED_BELOW = 79.0  # the first level decides on colours, and guidance there makes them glaring
STUDENT = "student"  # the name of this sampler beside those of `SAMPLERS`


def check_student_steps(steps: int, field: str = "num_inference_steps") -> None:
    """Raise ValueError, with the nearest that there are, for numbers of steps that a student was not tuned for."""
    if steps not in LEVELS:
        below, above = [n for n in LEVELS if n < steps][-1:], [n for n in LEVELS if n > steps][:1]
        nearest = " or ".join(map(str, below + above))
        raise ValueError(f"{field}: expected 1, 2 or 4 for the student, the nearest being {nearest}, got {steps}")


def sample_student(
    student: Denoise, noise: torch.Tensor, condition: Condition | Callable[[int], Condition], **options: Any
) -> Iterator[Step]:
    """`few_steps`, whose questions the student answers."""
    return drive(student, few_steps(noise, condition, **options))


@torch.no_grad()
def few_steps(
    noise: torch.Tensor,
    condition: Condition | Callable[[int], Condition],
    *,
    steps: int,
    guidance_scale: float | torch.Tensor = 1.0,
    guidance_interval: Interval = ALWAYS,
    generators: list[torch.Generator],
    windows: Windows | None = None,
    beneath: Beneath | None = None,
    others: Others = (),
) -> Sampling:
    """Multistep consistency sampling (Song et al. 2023, Algorithm 1) from unit noise (B, C, H, W), as `denoising` does.

    Fresh noise comes from each image's own generator. Guidance combines the student's conditional and null
    predictions of the clean image, as for the teacher.
    """
    check_student_steps(steps)
    levels = LEVELS[steps] if beneath is None else beneath.few(LEVELS[steps])
    clean = torch.zeros_like(noise) if beneath is None else beneath.shown
    for i, level in enumerate(levels):
        fresh = image_noise(generators, noise.shape[1:], noise.device) if i else noise
        sigma = torch.tensor(level, device=noise.device, dtype=noise.dtype)
        x = clean + level * fresh
        clean = yield from denoised_at(
            x, sigma, condition, i, guidance_scale, guidance_interval, windows=windows, others=others
        )
        clean = clean if beneath is None else beneath.kept(clean)
        yield Step(i, len(levels), clean)
