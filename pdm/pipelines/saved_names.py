"""How a saved pipeline names its parts: by what `pdm` exports, not by the module in which a class happens to stand.

diffusers writes a part into model_index.json as [library, class], and imports that library when it loads. A class
can then never move. So the files say ["pdm", "Denoiser"], and this module, which has them all, is added on loading.
"""

from __future__ import annotations

from typing import Any

from diffusers.models.modeling_utils import ModelMixin  # noqa: F401 - diffusers looks for it beside a part's class

from pdm.model.denoiser import Denoiser
from pdm.model.encoders import StaticEncoder
from pdm.model.prototypes import PrototypeBank
from pdm.retrieval.memory import Memory
from pdm.support.checks import shown

LIBRARY = "pdm"
CLASSES: dict[str, type] = {kind.__name__: kind for kind in (Denoiser, PrototypeBank, Memory, StaticEncoder)}
PARTS = {
    "denoiser": "Denoiser",
    "student": "Denoiser",
    "guide": "Denoiser",
    "bank": "PrototypeBank",
    "memory": "Memory",
    "encoder": "StaticEncoder",
}  # of a pipeline, beside what is diffusers' own: a scheduler, and perhaps an autoencoder
AUTOENCODER = "AutoencoderTiny"
OLD_LIBRARIES = {
    "Denoiser": "pdm.denoiser",
    "PrototypeBank": "pdm.prototypes",
    "Memory": "pdm.memory",
    "StaticEncoder": "pdm.encoders",
}  # what pipelines saved before version 0.2 say instead of "pdm"


def public(value: Any) -> Any:
    """A part as it is saved: (library, class) with "pdm" as the library of the package's own classes.

    Any other value of a pipeline's configuration is returned as it is.
    """
    if isinstance(value, tuple | list) and len(value) == 2 and value[1] in CLASSES:
        library, name = value
        if library == CLASSES[name].__module__:
            return LIBRARY, name
    return value


def public_part(name: str) -> tuple[str, str]:
    """What a model_index.json says of a part of this name."""
    return LIBRARY, PARTS[name]


def importable(index: dict[str, Any]) -> dict[str, Any]:
    """The content of a model_index.json with the modules from which diffusers can import the parts.

    Raises ValueError for a part that is none of the package's own: a folder from elsewhere must not choose what is
    imported here.
    """
    if not isinstance(index.get("_class_name", ""), str):
        raise ValueError(f"_class_name: expected a pipeline of pdm, got {shown(index['_class_name'])}")
    return {name: _importable_part(name, value) for name, value in index.items()}


def _importable_part(name: str, value: Any) -> Any:
    """`importable` for one value of the index. A part that was not saved, null or [null, null], is kept so."""
    if name not in (*PARTS, "scheduler", "autoencoder") or value is None or value == [None, None]:
        return value
    if name == "autoencoder":
        if value != ["diffusers", AUTOENCODER]:
            raise ValueError(f'autoencoder: expected ["diffusers", "{AUTOENCODER}"], got {shown(value)}')
        return value
    if name == "scheduler":
        if not (
            isinstance(value, list)
            and len(value) == 2
            and value[0] == "diffusers"
            and str(value[1]).endswith("Scheduler")
        ):
            raise ValueError(f'scheduler: expected ["diffusers", a class], got {shown(value)}')
        return value
    kind = PARTS[name]
    if value not in ([LIBRARY, kind], [OLD_LIBRARIES[kind], kind]):
        raise ValueError(f'{name}: expected ["{LIBRARY}", "{kind}"], got {shown(value)}')
    return [__name__, kind]
