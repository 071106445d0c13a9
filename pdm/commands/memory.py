"""What `python -m pdm memory` does: a memory in RAM for training, or a large one in files for a trained model."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

from pdm.commands.common import check_replaceable, given, progress_bars


def memory(arguments: Namespace) -> str:
    from pdm.retrieval.index import check_index

    check_index(arguments.index)
    return _streamed(arguments) if arguments.stream else _in_ram(arguments)


def _in_ram(arguments: Namespace) -> str:
    from pdm.config import MemoryConfig
    from pdm.data.images import load
    from pdm.retrieval.encoded import CARD, make_retrieval, save_retrieval

    check_replaceable(arguments.out, CARD)
    data = load(arguments.data, size=arguments.size, limit=arguments.limit)
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
    folder = save_retrieval(made, arguments.out, data)
    size = made.memory.bytes_on_disk() / 1e6
    return (
        f"wrote a memory of {len(made.memory)} images ({size:.1f} MB) to {folder}; use it with: train --memory {folder}"
    )


def _streamed(arguments: Namespace) -> str:
    from pdm.config import MemoryConfig
    from pdm.retrieval.memory_stream import stream_memory

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
            size=arguments.size,
            neighbours=MemoryConfig().neighbours,
            index=arguments.index,
            report=report,
        )
    return (
        f"wrote a memory of {len(made)} images to {arguments.out}; use it with: "
        f"sample --method rdm --memory {arguments.out} --index {arguments.index}"
    )
