"""Prototype diffusion: a denoiser conditioned on learned prototypes, with no external memory.

The names below are imported on first use, so that `import pdm` costs nothing.
"""

from importlib import import_module

_HOME = {
    "PDMPipeline": "pdm.pipelines.pdm",
    "RDMPipeline": "pdm.pipelines.rdm",
    "PrototypeBank": "pdm.model.prototypes",
    "PrototypeSet": "pdm.editing.prototype_set",
    "Denoiser": "pdm.model.denoiser",
    "StaticEncoder": "pdm.model.encoders",
    "Condition": "pdm.model.conditioning",
    "Memory": "pdm.retrieval.memory",
    "PRESETS": "pdm.config",
    "preset": "pdm.config",
}
__all__ = list(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'pdm' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
