"""`python -m pdm train` and `tune`."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pdm.commands.common import given
from pdm.commands.parser import MODEL_HELP, add_command, add_data
from pdm.commands.values import at_least, positive, seed, share
from pdm.config import NETS, OPTIMIZERS, PRESETS
from pdm.methods import METHODS

if TYPE_CHECKING:
    from pdm.config import TrainConfig

ENCODING = "stopped while the images are encoded, and kept what is done; run the same command again to go on"


def add_train(subparsers) -> None:
    parser = add_command(
        subparsers,
        "train",
        train,
        "train a model, or go on training it",
        "Train a model into a folder. Run the same command again to go on where it stopped; the result lies in\n"
        "OUT/pipeline, with samples.png and training_card.json beside it. The learning rate falls at the end of the\n"
        "preset's images, or with --finish in the minutes of that run.",
        "train --preset pdm --data fashion-mnist --out runs/pdm --max-minutes 30",
    )
    option = parser.add_argument
    option("--preset", choices=PRESETS, default="pdm", help="what to train (default: pdm)")
    option("--objective", choices=PRESETS, help="take the prototype objective of another preset")
    option("--net", choices=NETS, help="take another net than the preset's")
    add_data(parser, otherwise=" (default: the one the preset is for)")
    option("--limit", type=at_least(2), metavar="N", help="use only the first N images")
    option("--size", type=at_least(8), metavar="PIXELS", help="side of the square images (default: the preset's)")
    option(
        "--autoencoder",
        metavar="FOLDER|HUB_ID",
        help="paint the latents of diffusers' AutoencoderTiny, as for 128 px and more (default: the preset's)",
    )
    option("--out", type=Path, help="folder of the run (default: runs/PRESET)")
    _add_recipe(option)
    option("--max-minutes", type=positive, default=float("inf"), help="stop after this time (default: no limit)")
    option("--finish", action="store_true", help="the last of a chain of runs: the rate falls to 0 in --max-minutes")
    option("--changed-data", action="store_true", help="go on with other images than the run began with")
    option("--seed", type=seed, help="default: 0")
    option("--device", choices=("auto", "cpu"), default="auto", help="cpu: leave a GPU unused")


def _add_recipe(option: Callable) -> None:
    """What a run does in another way than its preset."""
    option("--images", type=at_least(1), metavar="N", help="images seen by the whole run (default: the preset's)")
    option("--batch-size", type=at_least(1), metavar="N", help="default: the preset's")
    option(
        "--from-model",
        dest="start",
        type=Path,
        metavar="MODEL",
        help="start from a trained model: its memory stays, and its prototypes but for --settle",
    )
    option("--new-net", action="store_true", help="with --from-model: only that stays, the net learns from nothing")
    option(
        "--net-from",
        metavar="MODEL",
        help="the net begins with the weights of this model, of the same net and method, whatever images taught it",
    )
    option("--optimizer", choices=OPTIMIZERS, help="default: the preset's")
    option("--learning-rate", type=positive, help="default: the preset's")
    option("--decay", type=share, help="last share of the run in which it falls to zero (default: the preset's)")
    option("--prototypes", type=at_least(1), metavar="K", help="number of prototypes (default: the preset's)")
    option(
        "--warmup",
        type=at_least(1),
        metavar="N",
        help="steps that prototypes, or RDM's encoder, learn alone at first (default: the preset's)",
    )
    option("--settle", type=at_least(0), metavar="N", help="steps in which the prototypes come to rest (preset's)")
    option("--augment", choices=("none", "flip", "d4"), help="symmetries that all images have (default: the preset's)")
    option("--precision", choices=("auto", "no", "fp16", "bf16"), help="of training (default: auto)")
    option("--memory", type=Path, metavar="DIR", help="with --preset rdm: a memory written by `pdm memory`")


def train(arguments: Namespace) -> str:
    config = train_config(arguments)
    if arguments.finish and math.isinf(arguments.max_minutes):
        raise ValueError("--finish: expected --max-minutes beside it, got none")
    out = arguments.out or Path("runs") / config.preset
    from pdm.config import data_of
    from pdm.data.load import load
    from pdm.training.encoding import autoencoding, with_latents
    from pdm.training.train import train as run

    source = arguments.data or data_of(config.preset)
    found = autoencoding(config)
    data = load(source, size=config.seen_size, limit=arguments.limit, colour=_colour(arguments, config))
    cpu = arguments.device == "cpu"
    config, latents, minutes = with_latents(config, data, source, found, cpu=cpu, max_minutes=arguments.max_minutes)
    if latents is None and found is not None:
        return ENCODING
    pipeline = run(
        config,
        data,
        out,
        max_minutes=minutes,
        finish=arguments.finish,
        cpu=cpu,
        changed_data=arguments.changed_data,
        latents=latents,
    )
    if pipeline is None:
        return f"stopped while the prototypes learn, and wrote that to {out}; run the same command again to go on"
    return f"wrote the pipeline to {pipeline}, its training card and samples.png to {out}"


def _colour(arguments: Namespace, config: TrainConfig) -> str:
    """What the images are to be; those for an autoencoder are in colour. Raises ValueError for grey ones there."""
    if config.latent.autoencoder is None:
        return arguments.colour
    if arguments.colour == "grey":
        raise ValueError("--colour: expected colour beside an autoencoder, got grey")
    return "colour"


def train_config(arguments: Namespace) -> TrainConfig:
    """The preset with only those values replaced that were given, so that equal commands make equal configurations."""
    from pdm.config import preset

    config = preset(arguments.preset, arguments.objective, arguments.net)
    if arguments.memory is not None and not METHODS[config.method].retrieves:
        raise ValueError(f"--memory: expected --preset rdm beside it, got --preset {arguments.preset}")
    if arguments.memory is not None:
        from pdm.retrieval.encoded import memory_config

        config = replace(config, memory=memory_config(config.memory, arguments.memory))
    if arguments.warmup is not None:
        from pdm.making.recipe import with_steps

        config = with_steps(config, arguments.warmup, config.prototypes.warmup_batch)
    if arguments.new_net and arguments.start is None:
        raise ValueError("--new-net: expected --from-model beside it, got none")
    if arguments.new_net and arguments.net_from is not None:
        raise ValueError("--net-from: expected no --new-net beside it, got both")
    optim = given(
        images=arguments.images,
        batch_size=arguments.batch_size,
        optimizer=arguments.optimizer,
        learning_rate=arguments.learning_rate,
        decay_fraction=arguments.decay,
    )
    own = given(
        start=None if arguments.start is None else str(arguments.start),
        new_net=arguments.new_net or None,
        net_from=arguments.net_from,
        image_size=arguments.size,
        augment=arguments.augment,
        precision=arguments.precision,
        seed=arguments.seed,
    )
    if arguments.autoencoder is not None:
        own["latent"] = replace(config.latent, autoencoder=arguments.autoencoder)
    if arguments.augment is not None:
        own["mirrored"] = ()  # the preset's classes are its own data set's
    return replace(
        config,
        optim=replace(config.optim, **optim),
        prototypes=replace(config.prototypes, **given(count=arguments.prototypes, settle_steps=arguments.settle)),
        **own,
    )


def add_tune(subparsers) -> None:
    parser = add_command(
        subparsers,
        "tune",
        tune,
        "tune a trained model to paint in one, two or four steps",
        "Make a student of a trained model and write both into one pipeline in OUT/pipeline. It learns from the\n"
        "images (consistency tuning); of a guided model, what that paints (consistency distillation).\n"
        "The teacher stays as it was, and so do its prototypes or its memory. Run the same command again to go on\n"
        "where it stopped. Give it the images that the teacher was trained on.",
        "tune --model fashion-mnist --data fashion-mnist --out runs/tune-pdm --max-minutes 60",
    )
    option = parser.add_argument
    option("--model", required=True, help=MODEL_HELP)
    option("--method", choices=("pdm", "rdm"), default="pdm", help="default: pdm")
    add_data(parser, "fashion-mnist")
    option("--out", type=Path, help="folder of the run (default: runs/tune-METHOD)")
    option("--images", type=at_least(1), metavar="N", help="images seen by the whole run (default: 200000)")
    option("--batch-size", type=at_least(1), metavar="N", help="default: 128")
    option("--optimizer", choices=OPTIMIZERS, help="default: adamw")
    option("--learning-rate", type=positive, help="default: 0.0002")
    option(
        "--stages",
        type=at_least(1),
        metavar="N",
        help="halvings of the gap between noise levels (default: 6, or 2 with guidance)",
    )
    option("--guidance", type=positive, help="of the teacher, which 1 learns without (default: the model's own)")
    option("--max-minutes", type=positive, default=float("inf"), help="stop after this time (default: no limit)")
    option("--changed-data", action="store_true", help="go on with other images than the run began with")
    option("--seed", type=seed, default=0, help="default: 0")
    option("--device", choices=("auto", "cpu"), default="auto", help="cpu: leave a GPU unused")


def tune(arguments: Namespace) -> str:
    from pdm.data.load import load
    from pdm.pipelines.loading import resolve
    from pdm.training.encoding import autoencoding, with_latents
    from pdm.training.tune import TUNE_OPTIM, of_model, tune_config
    from pdm.training.tune import tune as run

    optim = given(
        images=arguments.images,
        batch_size=arguments.batch_size,
        optimizer=arguments.optimizer,
        learning_rate=arguments.learning_rate,
    )
    choices = given(stages=arguments.stages, guidance=arguments.guidance)
    config = tune_config(
        arguments.model,
        arguments.method,
        optim=replace(TUNE_OPTIM, **optim),
        consistency=of_model(resolve(arguments.model, arguments.method), **choices),
        seed=arguments.seed,
    )
    found = autoencoding(config)
    data = load(arguments.data, size=config.seen_size, colour=_colour(arguments, config))
    out = arguments.out or Path("runs") / f"tune-{arguments.method}"
    cpu = arguments.device == "cpu"
    timing = {"cpu": cpu, "max_minutes": arguments.max_minutes}
    config, latents, minutes = with_latents(config, data, arguments.data, found, **timing)
    if latents is None and found is not None:
        return ENCODING
    changed = arguments.changed_data
    pipeline = run(config, data, out, max_minutes=minutes, cpu=cpu, changed_data=changed, latents=latents)
    return (
        f"wrote the pipeline with its student to {pipeline}, its training card and samples.png to {out}; paint with: "
        f"sample --model {pipeline} --method {arguments.method} --steps 2"
    )
