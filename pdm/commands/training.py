"""What `python -m pdm train` and `tune` do."""

from __future__ import annotations

import math
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pdm.commands.common import given
from pdm.methods import METHODS

if TYPE_CHECKING:
    from pdm.config import TrainConfig


def train(arguments: Namespace) -> str:
    config = train_config(arguments)
    if arguments.finish and math.isinf(arguments.max_minutes):
        raise ValueError("--finish: expected --max-minutes beside it, got none")
    out = arguments.out or Path("runs") / config.preset
    from pdm.config import data_of
    from pdm.data.images import load
    from pdm.training.train import train as run

    data = load(arguments.data or data_of(config.preset), size=config.image_size, limit=arguments.limit)
    cpu = arguments.device == "cpu"
    pipeline = run(config, data, out, max_minutes=arguments.max_minutes, finish=arguments.finish, cpu=cpu)
    if pipeline is None:
        return f"stopped while the prototypes learn, and wrote that to {out}; run the same command again to go on"
    return f"wrote the pipeline to {pipeline}, its training card and samples.png to {out}"


def train_config(arguments: Namespace) -> TrainConfig:
    """The preset with only those values replaced that were given, so that equal commands make equal configurations."""
    from pdm.config import preset

    config = preset(arguments.preset, arguments.objective, arguments.net)
    if arguments.memory is not None and not METHODS[config.method].retrieves:
        raise ValueError(f"--memory: expected --preset rdm beside it, got --preset {arguments.preset}")
    if arguments.memory is not None:
        from pdm.retrieval.encoded import memory_config

        config = replace(config, memory=memory_config(config.memory, arguments.memory))
    optim = given(
        images=arguments.images,
        batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate,
        decay_fraction=arguments.decay,
    )
    own = given(
        start=None if arguments.start is None else str(arguments.start),
        image_size=arguments.size,
        augment=arguments.augment,
        precision=arguments.precision,
        seed=arguments.seed,
    )
    return replace(
        config,
        optim=replace(config.optim, **optim),
        prototypes=replace(config.prototypes, **given(count=arguments.prototypes, settle_steps=arguments.settle)),
        **own,
    )


def tune(arguments: Namespace) -> str:
    from pdm.data.images import load
    from pdm.training.tune import TUNE_OPTIM, tune_config
    from pdm.training.tune import tune as run

    optim = given(images=arguments.images, batch_size=arguments.batch_size, learning_rate=arguments.learning_rate)
    config = tune_config(arguments.model, arguments.method, optim=replace(TUNE_OPTIM, **optim), seed=arguments.seed)
    data = load(arguments.data, size=config.image_size)
    out = arguments.out or Path("runs") / f"tune-{arguments.method}"
    pipeline = run(config, data, out, max_minutes=arguments.max_minutes, cpu=arguments.device == "cpu")
    return (
        f"wrote the pipeline with its student to {pipeline}, its training card and samples.png to {out}; paint with: "
        f"sample --model {pipeline} --method {arguments.method} --steps 2"
    )
