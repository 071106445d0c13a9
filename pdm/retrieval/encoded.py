"""What RDM retrieves with: a static encoder, a memory made with it, and each training image's neighbours in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from pdm.config import MemoryConfig
from pdm.data.images import ImageData
from pdm.model.encoders import CLIP_HUB, ClipEncoder, StaticEncoder, embed_all, train_static_encoder
from pdm.retrieval.large_memory import CARD as STREAMED
from pdm.retrieval.memory import Memory
from pdm.support.checks import reason
from pdm.support.files import atomic_folder, check_all_regular, read_json, write_json
from pdm.support.leftovers import recover

Report = Callable[[str, int, int, float], None]  # what, step, of, loss
CARD = "card.json"
NEIGHBOURS = "neighbours.safetensors"


@dataclass(frozen=True)
class Retrieval:
    """`neighbours` (N, k): the memory's entries nearest to each of the N training images, its own left out.

    `encoder` is None where the memory was made with CLIP; `clip` then names it.
    """

    memory: Memory
    neighbours: torch.Tensor
    encoder: StaticEncoder | None = None
    clip: str | None = None


def memory_rows(images: int, entries: int) -> torch.Tensor:
    """The rows of a training set that a memory of `entries` keeps: the first ones (the sets come in mixed order)."""
    return torch.arange(min(images, entries))


def make_retrieval(
    config: MemoryConfig,
    data: ImageData,
    report: Report,
    *,
    symmetry: str = "none",
    seed: int = 0,
    encoder: str = "own",
    index: str = "exact",
) -> Retrieval:
    """Train the project's own static encoder ("own") where the images are, or load CLIP ("clip", or a folder of
    either), and embed `data`.

    `index`: what finds the neighbours (see `pdm.retrieval.index.make_index`).

    Raises ValueError where the encoder cannot be had or does not fit the images.
    """
    own, clip = None, None
    if encoder == "own":
        own = train_static_encoder(
            data.images,
            dim=config.encoder_dim,
            steps=config.encoder_steps,
            batch=min(config.encoder_batch, len(data)),
            width=config.encoder_width,
            symmetry=symmetry,
            views=config.views,
            seed=seed,
            report=lambda step, loss: report("encoder", step + 1, config.encoder_steps, loss),
        )
    elif is_static_encoder(Path(encoder)):
        own = load_static_encoder(Path(encoder), data.images.shape[1])
    else:
        clip = CLIP_HUB if encoder == "clip" else encoder
    embeddings = _embeddings(own or ClipEncoder(clip or CLIP_HUB), data.images, report)
    rows = memory_rows(len(data), config.entries)
    memory = Memory.build(embeddings[rows], rows).use_index(index)
    neighbours = _neighbours(memory, embeddings, config.neighbours)
    memory.count_popularity(neighbours)
    return Retrieval(memory, neighbours, own, clip)


def retrieval_from(
    memory: Memory,
    encoder: StaticEncoder | None,
    clip: str | None,
    data: ImageData,
    neighbours: int,
    report: Report,
) -> Retrieval:
    """A trained model's memory and encoder (None: CLIP of this name), and each image's neighbours there.

    Raises ValueError for a memory of other images: an image's own entry could then not be left out.
    """
    embeddings = _embeddings(encoder or ClipEncoder(clip or CLIP_HUB), data.images, report)
    rows = memory.source_ids.long()
    ours = embeddings[rows.clamp(0, len(data) - 1)]
    if rows.max() >= len(data) or ((ours * memory.embeddings).sum(1) < 0.99).any():
        raise ValueError(f"model to start from: expected a memory of images of {data.name!r}, got one of others")
    return Retrieval(memory, _neighbours(memory, embeddings, neighbours), encoder, clip)


def _neighbours(memory: Memory, embeddings: torch.Tensor, k: int) -> torch.Tensor:
    """The k nearest entries of each image (N, k), its own left out."""
    k = min(k, len(memory) - 1)
    parts = torch.arange(len(embeddings)).split(1000)
    return torch.cat([memory.neighbours_of(embeddings[r], r, k) for r in parts])


def _embeddings(encoder: StaticEncoder | ClipEncoder, images: torch.Tensor, report: Report) -> torch.Tensor:
    parts = []
    device = images.device if isinstance(encoder, StaticEncoder) else torch.device("cpu")
    if isinstance(encoder, StaticEncoder):
        encoder.to(device)
    for part in images.split(500):
        parts.append(embed_all(encoder.embed, part.to(device)).cpu())
        report("embedding", min(500 * len(parts), len(images)), len(images), 0.0)
    if isinstance(encoder, StaticEncoder):
        encoder.cpu()
    return torch.cat(parts)


def save_retrieval(retrieval: Retrieval, folder: Path, data: ImageData) -> Path:
    """Write encoder/ (the own one), memory/, the neighbours and a card; whole or not at all."""
    with atomic_folder(Path(folder)) as part:
        retrieval.memory.save_pretrained(part / "memory")
        if retrieval.encoder is not None:
            retrieval.encoder.save_pretrained(part / "encoder")
        save_file({"neighbours": retrieval.neighbours.to(torch.int32).contiguous()}, part / NEIGHBOURS)
        card = {
            "data_set": data.name,
            "data_hash": data.hash(),
            "images": len(data),
            "found": None if data.found is None else data.found.to_dict(),
            "entries": len(retrieval.memory),
            "dim": retrieval.memory.embeddings.shape[1],
            "neighbours": retrieval.neighbours.shape[1],
            "encoder": retrieval.clip or "own",
            "bytes": retrieval.memory.bytes_on_disk(),
        }
        write_json(part / CARD, card)
    return Path(folder)


def load_retrieval(folder: Path, data: ImageData) -> Retrieval:
    """What `save_retrieval` wrote for the same images. Raises ValueError for other data or an incomplete folder."""
    folder = Path(folder)
    card = read_card(folder)
    if card["data_hash"] != data.hash():
        raise ValueError(
            f"memory {folder}: expected one made from these {len(data)} images of {data.name!r}, got one made from "
            f"{card['images']} of {card['data_set']!r}; make it with the same --data, --size and --limit"
        )
    try:
        check_all_regular(folder)
        own = card["encoder"] == "own"
        memory = Memory.from_pretrained(folder / "memory", local_files_only=True, use_safetensors=True)
        neighbours = load_file(folder / NEIGHBOURS)["neighbours"].long()
    except Exception as error:  # a foreign folder can make diffusers raise anything
        raise _incomplete(folder, error) from error
    encoder = load_static_encoder(folder / "encoder", data.images.shape[1]) if own else None
    return Retrieval(memory, neighbours, encoder, None if own else card["encoder"])


def memory_config(config: MemoryConfig, folder: Path) -> MemoryConfig:
    """The configuration of a run that uses the memory in `folder`; raises ValueError where there is none."""
    card = read_card(folder)
    return replace(
        config,
        entries=card["entries"],
        encoder_dim=card["dim"],
        neighbours=card["neighbours"],
        encoder=card["encoder"],
        folder=str(folder),
    )


def read_card(folder: Path) -> dict:
    recover(Path(folder))
    if (Path(folder) / STREAMED).is_file():
        raise ValueError(f"memory {folder}: expected one for training, got one made with --stream")
    try:
        card = read_json(Path(folder) / CARD)
        missing = {"data_hash", "data_set", "images", "entries", "dim", "neighbours", "encoder"} - set(card)
        if missing:
            raise ValueError(f"a card without {', '.join(sorted(missing))}")
        return card
    except (OSError, ValueError, TypeError) as error:
        raise _incomplete(folder, error) from error


def _incomplete(folder: Path, error: BaseException) -> ValueError:
    return ValueError(f"memory {folder}: expected a folder written by `python -m pdm memory`, got: {reason(error)}")


def is_static_encoder(folder: Path) -> bool:
    """Whether a folder holds the project's own static encoder."""
    try:
        return read_json(folder / "config.json").get("_class_name") == StaticEncoder.__name__
    except (OSError, ValueError, AttributeError):
        return False


def load_static_encoder(folder: Path, channels: int | None = None) -> StaticEncoder:
    """The own encoder in a folder; raises ValueError for an incomplete one, and for one of other `channels`."""
    try:
        check_all_regular(folder)
        encoder = StaticEncoder.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    except Exception as error:  # a foreign folder can make diffusers raise anything
        raise ValueError(f"encoder {folder}: expected a complete static encoder, got: {reason(error)}") from error
    if channels is not None and encoder.config.channels != channels:
        raise ValueError(f"encoder {folder}: expected one for {channels} channels, got {encoder.config.channels}")
    return encoder.eval()
