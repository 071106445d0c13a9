"""Prototype diffusion: a denoiser conditioned on learned prototypes, with no external memory.

The names below are imported on first use, so that `import pdm` costs nothing.
"""

from importlib import import_module

_HOME = {
    "PDMPipeline": "pdm.pipeline",
    "RDMPipeline": "pdm.pipeline",
    "PrototypeBank": "pdm.prototypes",
    "PrototypeSet": "pdm.editing.prototype_set",
    "Denoiser": "pdm.denoiser",
    "Condition": "pdm.conditioning",
    "Memory": "pdm.memory",
    "PRESETS": "pdm.config",
    "preset": "pdm.config",
}
__all__ = list(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'pdm' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
