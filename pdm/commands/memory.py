"""What `python -m pdm memory` does: a memory in RAM for training, or a large one in files for a trained model."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from pdm.commands.common import check_replaceable, given, progress_bars, say_found
from pdm.commands.parser import add_command, add_data, add_index
from pdm.commands.values import at_least, seed

DEFAULT_SIZE = 32


def add_memory(subparsers) -> None:
    parser = add_command(
        subparsers,
        "memory",
        memory,
        "make the memory that the RDM baseline retrieves from",
        "Embed the images of a data set with a static encoder and store them as RDM's memory. The encoder is a small\n"
        "one trained here (own), CLIP from the hub (clip), or a folder that holds either. With --stream the images\n"
        "never stand in memory all at once, and the same command run again goes on where it stopped: a memory of any\n"
        "size for a model that is trained already, made with that model's encoder.",
        "memory --data fashion-mnist --encoder own --entries 10000 --out runs/memory",
    )
    option = parser.add_argument
    add_data(parser, "fashion-mnist")
    option("--limit", type=at_least(2), metavar="N", help="use only the first N images")
    option(
        "--size", type=at_least(8), metavar="PIXELS", help="side of the square images (default: the model's, else 32)"
    )
    option("--encoder", default="own", metavar="own|clip|FOLDER", help="default: own")
    option("--encoder-steps", type=at_least(1), metavar="N", help="training steps of the own encoder")
    option("--entries", type=at_least(2), default=10_000, metavar="N", help="images kept (default: 10000)")
    option("--stream", action="store_true", help="write a large memory, file by file, for `sample --memory`")
    add_index(parser)
    option("--augment", choices=("none", "flip", "d4"), default="none", help="symmetries the data has (default: none)")
    option("--seed", type=seed, default=0, help="default: 0")
    option("--out", type=Path, required=True, help="folder to write")


def memory(arguments: Namespace) -> str:
    from pdm.retrieval.index import check_index

    check_index(arguments.index)
    return _streamed(arguments) if arguments.stream else _in_ram(arguments)


def _in_ram(arguments: Namespace) -> str:
    from pdm.config import MemoryConfig
    from pdm.data.load import load
    from pdm.retrieval.encoded import CARD, make_retrieval, save_retrieval

    check_replaceable(arguments.out, CARD)
    size = DEFAULT_SIZE if arguments.size is None else arguments.size
    data = load(arguments.data, size=size, limit=arguments.limit, colour=arguments.colour)
    config = replace(MemoryConfig(entries=arguments.entries), **given(encoder_steps=arguments.encoder_steps))
    with progress_bars() as report:
        made = make_retrieval(
            config,
            data,
            report,
            symmetry=arguments.augment,
            seed=arguments.seed,
            encoder=arguments.encoder,
            index=arguments.index,
        )
    say_found(data)
    folder = save_retrieval(made, arguments.out, data)
    size = made.memory.bytes_on_disk() / 1e6
    return (
        f"wrote a memory of {len(made.memory)} images ({size:.1f} MB) to {folder}; use it with: train --memory {folder}"
    )


def _streamed(arguments: Namespace) -> str:
    from pdm.config import MemoryConfig
    from pdm.retrieval.memory_stream import skipped_of, stream_memory

    if arguments.encoder == "own":
        raise ValueError(
            "--encoder: expected MODEL/encoder, of the model that is to use the memory, or clip, beside --stream"
        )
    with progress_bars() as report:
        made = stream_memory(
            arguments.data,
            arguments.out,
            arguments.encoder,
            entries=min(arguments.entries, arguments.limit or 2**62),
            size=_size(arguments),
            neighbours=MemoryConfig().neighbours,
            index=arguments.index,
            report=report,
        )
    skipped = skipped_of(arguments.out)
    if skipped.rows:
        print(f"skipped {len(skipped.rows)}: {'; '.join(skipped.said)}", file=sys.stderr)
    return (
        f"wrote a memory of {len(made)} images to {arguments.out}; use it with: "
        f"sample --method rdm --memory {arguments.out} --index {arguments.index}"
    )


def _size(arguments: Namespace) -> int:
    """The side of the images of a stream: that of the model whose encoder embeds them.

    Raises ValueError where another one is asked for.
    """
    from pdm.model.encoders import LARGEST
    from pdm.support.files import read_json

    path = Path(arguments.encoder) / "config.json"
    own = read_json(path).get("image_size") if path.is_file() else None
    path = Path(arguments.encoder).parent / "denoiser" / "config.json"
    if own in (None, LARGEST):  # an encoder that does not say, as those of earlier versions
        own = read_json(path).get("image_size") if path.is_file() else None
    if own is not None and arguments.size not in (None, own):
        raise ValueError(f"--size: expected {own}, the model's in {path.parent.parent}, got {arguments.size}")
    return own or arguments.size or DEFAULT_SIZE
