"""Prototype diffusion: a denoiser conditioned on learned prototypes, with no external memory.

The names below are imported on first use, so that `import pdm` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what a type checker and an editor see
    from pdm.config import PRESETS, preset
    from pdm.editing.prototype_set import PrototypeSet
    from pdm.model.conditioning import Condition
    from pdm.model.denoiser import Denoiser
    from pdm.model.encoders import StaticEncoder
    from pdm.model.prototypes import PrototypeBank
    from pdm.pipelines.pdm import PDMPipeline
    from pdm.pipelines.rdm import RDMPipeline
    from pdm.retrieval.memory import Memory

__all__ = [
    "PRESETS",
    "Condition",
    "Denoiser",
    "Memory",
    "PDMPipeline",
    "PrototypeBank",
    "PrototypeSet",
    "RDMPipeline",
    "StaticEncoder",
    "preset",
]

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

if not TYPE_CHECKING:  # a checker that saw this would take any name for granted

    def __getattr__(name: str):
        if name not in _HOME:
            raise AttributeError(f"module 'pdm' has no attribute {name!r}")
        return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
