"""Load a pipeline from a folder, an asset's name or the hub, ready to run; what is wrong with it is said in a line."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from logging import CRITICAL
from pathlib import Path
from typing import Any, Literal, overload

import torch
from diffusers.utils import logging
from safetensors import SafetensorError, safe_open

from pdm.methods import METHODS, method_of
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.pipelines.sizes import check_sizes
from pdm.sampling.solvers import try_out
from pdm.support.checks import reason, shown
from pdm.support.files import check_all_regular, read_json
from pdm.support.hub import quiet_hub
from pdm.support.leftovers import recover
from pdm.support.paths import ASSETS

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
WANTED = ["*.json", "*.safetensors"]  # of a hub repository; nothing that could run code
INDEX = "model_index.json"
PIPELINE = "pipeline"  # the folder in a training's own that it is exported to
CLASSES = {kind.__name__: kind for kind in (PDMPipeline, RDMPipeline)}
# diffusers swaps torch's own functions while it loads, and two loads at once would leave them swapped for good.
_ONE_AT_A_TIME = threading.Lock()


@overload
def load_pipeline(
    source: str | Path,
    method: Literal["pdm", "s-pdm", "paper"] = "pdm",
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> PDMPipeline: ...


@overload
def load_pipeline(
    source: str | Path,
    method: Literal["rdm"],
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> RDMPipeline: ...


@overload
def load_pipeline(
    source: str | Path,
    method: str,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> PDMPipeline | RDMPipeline: ...


def load_pipeline(
    source: str | Path,
    method: str = "pdm",
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> PDMPipeline | RDMPipeline:
    """The pipeline of a method, with its nets on `device` in `dtype` and progress bars off.

    Bank, memory and encoder stay on the CPU in float32. `source` as in `resolve`. Raises ValueError in one line
    for a missing folder, missing or truncated weights, or a pipeline of another method. Other threads may paint
    meanwhile; those that load wait for each other.
    """
    folder = resolve(source, method)
    kind = _check_index(folder, method)
    saved = _checked_parts(folder)
    try:
        with _ONE_AT_A_TIME, _quiet():
            # In another type, diffusers would make that the default of all threads while it loads.
            pipeline = kind.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, torch_dtype=torch.float32
            )
        scheduler: Any = pipeline.scheduler
        try_out(type(scheduler).from_config(scheduler.config))
    except Exception as error:  # a foreign folder can make diffusers raise anything
        raise ValueError(f"{folder}: expected a complete pipeline of this version, got: {reason(error)}") from error
    for name, part in pipeline.components.items():
        if isinstance(part, torch.nn.Module):
            missing = sorted(set(part.state_dict()) - set(saved[name]))
            if missing:
                raise ValueError(
                    f"{folder / name}: expected complete weights, got {len(missing)} missing: {missing[0]}"
                )
            part.eval().requires_grad_(False)
    painting = pipeline.nets if pipeline.autoencoder is None else (*pipeline.nets, pipeline.autoencoder)
    for net in painting:
        for weights in net.parameters():
            weights.data = weights.data.to(dtype)
        net.to(device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@contextmanager
def _quiet() -> Iterator[None]:
    """Without diffusers' bars and warnings: what they would say becomes an error here."""
    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(CRITICAL)
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # newer versions prefer `dtype`, which older ones ignore
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()


def resolve(source: str | Path, method: str) -> Path:
    """The pipeline folder that `source` means for a method.

    `source`: a pipeline folder, a folder that holds one per method (pdm/, rdm/), the folder that a training wrote, a
    name under assets/, or a hub id of one of these layouts. Raises ValueError where there is none.
    """
    folders = method_of(method).folders
    folder = model_folder(source)
    candidates = [folder, *(folder / name for name in (*folders, PIPELINE))]
    for candidate in candidates:
        if (candidate / INDEX).is_file():
            return candidate
    raise ValueError(f"{folder}: expected a pipeline ({INDEX}) for method {method!r} in it, got none")


def model_folder(source: str | Path) -> Path:
    """The local folder of a model: `source` itself, an asset of that name, or a download from the hub."""
    name, folder = str(source), Path(source)
    recover(folder)
    if folder.is_dir():
        return folder
    if re.fullmatch(r"[\w-]+(\.[\w-]+)*", name) and (ASSETS / name).is_dir():
        return ASSETS / name
    expected = _expected_models()
    if not HUB_ID.fullmatch(name):
        raise ValueError(f"model: expected {expected}, got {shown(name)}")
    return _download(name, expected)


def _expected_models() -> str:
    """What may stand for a model. An installed package has no shipped models beside it: then, where to get them."""
    if shipped := sorted({p.parent.parent.name for p in ASSETS.glob(f"*/*/{INDEX}")}):
        return f"a folder, one of the shipped models ({', '.join(shipped)}), or a hub id"
    return "a folder, the name of a shipped model (none here: set PDM_ASSETS to the assets/ of a checkout), or a hub id"


def shipped_model(name: str) -> Path:
    """The folder of a model that ships with the repository; raises ValueError that says where to get it."""
    if not (ASSETS / name).is_dir():
        raise ValueError(f"model: expected {_expected_models()}, got {shown(name)}")
    return ASSETS / name


def _download(hub_id: str, expected: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        with quiet_hub():
            return Path(snapshot_download(hub_id, allow_patterns=WANTED))
    except (OSError, ValueError) as error:  # huggingface_hub's own errors, offline or not, are among these
        raise ValueError(
            f"model: expected {expected} that can be reached, got {shown(hub_id)} ({reason(error)})"
        ) from error


def _check_index(folder: Path, method: str) -> type[PDMPipeline] | type[RDMPipeline]:
    """The class that the folder's index names; raises ValueError when it is not the method's."""
    try:
        name = read_json(folder / INDEX).get("_class_name")
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(f"{folder / INDEX}: expected the index of a pipeline, got {reason(error)}") from error
    if name in METHODS[method].classes:
        return CLASSES[name]
    expected = " or ".join(METHODS[method].classes)
    raise ValueError(f"{folder}: expected a {expected} for method {method!r}, got {shown(name)}")


def _checked_parts(folder: Path) -> dict[str, dict[str, tuple[int, ...]]]:
    """By part, the shapes of the tensors that its files hold; raises ValueError for files that nobody should load."""
    check_all_regular(folder)
    parts = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    saved = {part.name: _tensors(part) for part in parts}
    for part in parts:
        check_sizes(part, part.name, saved[part.name])
    return saved


def _tensors(folder: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors in a component's files; raises ValueError for a file that is not whole."""
    found: dict[str, tuple[int, ...]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt") as tensors:
                found.update((name, tuple(tensors.get_slice(name).get_shape())) for name in tensors.keys())
        except (OSError, SafetensorError) as error:
            raise ValueError(
                f"{path}: expected complete weights, got a truncated or damaged file; fetch or save it again"
            ) from error
    return found
