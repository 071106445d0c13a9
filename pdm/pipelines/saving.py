"""How a pipeline is saved and loaded: in small shards, named by what `pdm` exports, without pickles or foreign code."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffusers.pipelines.pipeline_utils import DiffusionPipeline

from pdm.model.packed import is_packed, pack
from pdm.pipelines.readable import make_readable
from pdm.pipelines.saved_names import importable, public, public_part
from pdm.support.checks import expect
from pdm.support.files import atomic_folder

MAX_SHARD = "9MB"  # files over 10 MB need LFS on a hosted Space
GUIDE = "guide"
DENOISERS = ("denoiser", "student", GUIDE)  # the parts that paint, nearly all of a pipeline's weights


class SafelySaved(DiffusionPipeline):
    """A pipeline of diffusers, whose files are safetensors and JSON alone."""

    def register_to_config(self, **kwargs) -> None:
        """As in diffusers, but parts of this package are noted under the name that `pdm` exports."""
        super().register_to_config(**{name: public(value) for name, value in kwargs.items()})

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | os.PathLike, **kwargs: Any) -> Any:
        """As in diffusers, but of a folder or a hub id only safetensors and JSON are read: no pickle, and no code.

        Raises ValueError for options that would ask for either.
        """
        for field, harmless in {"custom_pipeline": None, "use_onnx": None}.items():
            given = kwargs.pop(field, harmless)
            expect(field, given, "nothing, as no code of others is run", not given)
        kwargs["trust_remote_code"] = False  # whoever asks for it: there is none to trust
        safe = kwargs.pop("use_safetensors", True)
        expect("use_safetensors", safe, "True, as no pickles are read", safe is True)
        return super().from_pretrained(pretrained_model_name_or_path, use_safetensors=True, **kwargs)

    @classmethod
    def load_config(cls, *args, **kwargs) -> Any:
        """As in diffusers; raises ValueError for an index that names a part which is none of this package's own."""
        loaded = super().load_config(*args, **kwargs)
        return (importable(loaded[0]), *loaded[1:]) if isinstance(loaded, tuple) else importable(loaded)

    def save_pretrained(self, save_directory: str | os.PathLike, *args: Any, **kwargs: Any) -> None:
        """As in diffusers, in small shards, without the paths that diffusers notes its parts were loaded from."""
        super().save_pretrained(
            save_directory, *args, **{"max_shard_size": MAX_SHARD, "safe_serialization": True, **kwargs}
        )
        folder = Path(save_directory)
        for path in (folder / "model_index.json", *folder.glob("*/config.json")):
            values = json.loads(path.read_text())
            # diffusers' AutoencoderTiny notes this beside its own arguments, and warns of it when it is read.
            odd = path.parent.name == "autoencoder" and values.pop("block_out_channels", None)
            if values.pop("_name_or_path", None) is not None or odd:
                path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")
        make_readable(folder)


def packed_copy(
    folder: Path,
    out: Path,
    guide: Path | None = None,
    own: Mapping[str, float] | None = None,
    scheduler: Any = None,
) -> tuple[int, int]:
    """Copy a saved pipeline with its denoisers packed; returns the bytes of both.

    `guide`: the saved pipeline whose denoiser becomes the copy's guide. `own`: other values of its configuration.
    `scheduler`: one of diffusers', in place of its own.
    """
    with atomic_folder(out) as part:
        shutil.copytree(folder, part, dirs_exist_ok=True)
        index = json.loads((part / "model_index.json").read_text())
        written: dict[str, Any] = dict(own or {})
        if guide is not None:
            shutil.rmtree(part / GUIDE, ignore_errors=True)
            shutil.copytree(guide / "denoiser", part / GUIDE)
            written[GUIDE] = public_part(GUIDE)
        if written:
            (part / "model_index.json").write_text(json.dumps(index | written, indent=2, sort_keys=True) + "\n")
        if scheduler is not None:
            scheduler.save_pretrained(part / "scheduler")
            make_readable(part)
        for net in (part / name for name in DENOISERS if (part / name).is_dir()):
            if not is_packed(net):
                pack(net, MAX_SHARD)
    before, after = (sum(f.stat().st_size for f in place.rglob("*") if f.is_file()) for place in (folder, out))
    return before, after
