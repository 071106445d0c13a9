"""Which device denoises and learns, and in which precision it is fastest there."""

from __future__ import annotations

from pathlib import Path

import torch

DEVICES = ("auto", "cuda", "mps", "cpu")
BF16_FLAGS = {"avx512_bf16", "amx_bf16"}  # as /proc/cpuinfo calls them; without either, bfloat16 is emulated


def pick_device(name: str = "auto") -> torch.device:
    """The named device; "auto" takes CUDA, then MPS, then the CPU. Raises ValueError for one that is not there."""
    if name not in DEVICES:
        raise ValueError(f"device: expected one of {', '.join(DEVICES)}, got {name!r}")
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind in there if there[kind])
    if not there[name]:
        raise ValueError(
            f"device: expected one that is there ({', '.join(k for k in there if there[k])}), got {name!r}; "
            "use 'auto' to take the fastest"
        )
    return torch.device(name)


def fastest_dtype(device: torch.device) -> torch.dtype:
    """The precision the denoiser runs fastest in: bfloat16 or float16 on a GPU, bfloat16 on a CPU built for it."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "mps":
        return torch.float16
    return torch.bfloat16 if cpu_has_bf16() else torch.float32


def training_precision(device: torch.device) -> str:
    """The same for a net that learns, by accelerate's names: "bf16", "fp16" with its scaled losses, or "no"."""
    if device.type == "mps":  # for which there are no scaled losses
        return "no"
    return {torch.bfloat16: "bf16", torch.float16: "fp16", torch.float32: "no"}[fastest_dtype(device)]


def autocast(device: torch.device) -> torch.autocast:
    """Where a small net learns, outside of accelerate: bfloat16 where the device multiplies it, else float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=training_precision(device) == "bf16")


def cpu_has_bf16() -> bool:
    """Whether the CPU multiplies bfloat16 in hardware (AVX-512 BF16 or AMX); False where that cannot be known."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    line = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return not BF16_FLAGS.isdisjoint(line.split())
