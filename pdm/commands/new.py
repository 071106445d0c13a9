"""`python -m pdm new`: from a folder of images to a model of one's own, all of it."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pdm.commands.parser import add_command, add_data
from pdm.commands.values import at_least, positive, seed
from pdm.support.leftovers import is_free

if TYPE_CHECKING:
    from pdm.data.images import ImageData
    from pdm.making.plan import Asked, Plan


def add_new(subparsers) -> None:
    parser = add_command(
        subparsers,
        "new",
        new,
        "make a model of your own images: look, plan, train, map, student, card",
        "Look at the images, say what was found and what is planned (size, prototypes, net, minutes as measured on\n"
        "this device), ask, and make it all into the folder MODEL: prototypes and denoiser, a student for one to four\n"
        "steps, the map, a classifier to measure with where there are classes, a model card. Run the same command\n"
        "again to go on where it stopped. Then: python app.py --assets MODEL",
        "new my-model --data my-images/ --minutes 60 --yes",
    )
    option = parser.add_argument
    option("model", type=Path, metavar="MODEL", help="folder to make: a new or empty one, or one to go on with")
    add_data(parser, required=True)
    option("--minutes", type=positive, metavar="M", help="about how long it may take (default: 45)")
    option("--yes", action="store_true", help="ask nothing")
    option("--plan", action="store_true", help="only look and plan; the same command without this makes the model")
    option(
        "--size", type=at_least(8), metavar="PIXELS", help="32, 64, 128, 256 or 512 (default: 32 or 64, as they are)"
    )
    option(
        "--autoencoder",
        metavar="FOLDER|HUB_ID",
        help="diffusers' AutoencoderTiny, in whose latents 128 px and more are painted (default: madebyollin/taesd)",
    )
    option(
        "--net-from",
        metavar="MODEL|none",
        help="the net begins with the weights of this model, of the same net (default: a shipped one, where one fits)",
    )
    option("--limit", type=at_least(2), metavar="N", help="use only the first N images")
    option("--prototypes", type=at_least(1), metavar="K", help="default: about the square root of the count, 16 to 256")
    option("--augment", choices=("none", "flip", "d4"), help="symmetries of all images (default: as they are found)")
    option("--baseline", action="store_true", help="train RDM beside it, with the same net and as many steps")
    option("--seed", type=seed, default=0, help="default: 0")
    option("--device", choices=("auto", "cpu"), default="auto", help="cpu: leave a GPU unused")


def new(arguments: Namespace) -> str:
    from pdm.making.line import Line
    from pdm.making.names import WORK, complete
    from pdm.making.plan import read_plan
    from pdm.making.recipe import check_size
    from pdm.making.steps import Making
    from pdm.support.leftovers import recover

    check_size(arguments.size, arguments.autoencoder, arguments.colour)
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise ValueError("new: expected a single process, got several; `train` is what takes torchrun")
    out, cpu = arguments.model, arguments.device == "cpu"
    asked = _asked(arguments)
    plan = read_plan(out / WORK)
    if plan is None:
        found = _begun(arguments, asked)
        if found is None:
            return "nothing was made"
        if arguments.plan:
            return f"wrote the plan to {out}; the same command without --plan makes the model"
        plan, data = found
    elif plan.asked != asked:
        raise ValueError(f"{out}: {_difference(plan.asked, asked)}; give the same, or choose another folder")
    elif arguments.plan:
        return f"{out} is planned already; the same command without --plan makes the model"
    elif complete(out):
        return f"{out} is made already; look at it with: python app.py --assets {out}"
    else:
        data = _data(plan, out / WORK)
    for name in ("pdm", "rdm", "map", "classifier"):
        recover(out / name)
    line = Line(plan.minutes, out / WORK / "log.txt")
    try:
        with line.pausable():
            Making(plan, data, out, line, cpu=cpu).run()
    finally:
        line.close()
    return f"wrote the model and its card to {out}; look at it with: python app.py --assets {out}"


def _asked(arguments: Namespace) -> Asked:
    from pdm.making.names import MINUTES
    from pdm.making.plan import Asked

    path = Path(arguments.data).expanduser()
    return Asked(
        source=str(path) if path.exists() else arguments.data,
        minutes=arguments.minutes or MINUTES,
        size=arguments.size,
        limit=arguments.limit,
        colour=arguments.colour,
        augment=arguments.augment,
        prototypes=arguments.prototypes,
        baseline=arguments.baseline,
        seed=arguments.seed,
        autoencoder=arguments.autoencoder and _place(arguments.autoencoder),
        net_from=arguments.net_from and _place(arguments.net_from),
    )


def _place(given: str) -> str:
    """A folder as its whole path, so that the run is the same one from wherever it is called; a hub id as it is."""
    path = Path(given).expanduser()
    return str(path.resolve()) if path.exists() else given


def _begun(arguments: Namespace, asked: Asked) -> tuple[Plan, ImageData] | None:
    """The plan for a new folder and its images, once they are agreed to; None where they are not."""
    from pdm.making.look import look, save_found
    from pdm.making.names import WORK
    from pdm.making.plan import planned
    from pdm.making.recipe import NOTHING, latent_of
    from pdm.pipelines.autoencoder import load_autoencoder
    from pdm.pipelines.loading import load_pipeline

    out = arguments.model
    if not is_free(out, WORK):
        raise ValueError(f"{out}: expected a new or empty folder, or one that `new` began, got another")
    asks = not (arguments.yes or arguments.plan)
    if asks and not sys.stdin.isatty():
        raise ValueError("--yes: expected it where there is no terminal to ask at, got none")
    colour = asked.colour
    if (autoencoder := latent_of(asked.size, asked.autoencoder).autoencoder) is not None:
        load_autoencoder(autoencoder)  # one that cannot be had is said before all pictures are read
        colour = "colour"
    if asked.net_from not in (None, NOTHING):
        for method in ("pdm", "rdm") if asked.baseline else ("pdm",):
            load_pipeline(asked.net_from, method)  # so is a model that is not there
    found, data = look(asked.source, asked.size, asked.limit, colour)
    if data.found is not None:
        print(f"data set {data.name!r}: {data.found.line()}")
    print("measuring this device ...", file=sys.stderr)
    plan = planned(asked, found, data, cpu=arguments.device == "cpu")
    print("\n".join([f"plan for {out}", *(f"  {line}" for line in plan.lines())]), flush=True)
    if asks and input("make it? [Y/n] ").strip().lower() not in ("", "y", "yes"):
        return None
    save_found(data, plan.lines(), out / WORK)
    plan.save(out / WORK)
    return plan, data


def _data(plan: Plan, work: Path) -> ImageData:
    """The images again. Raises ValueError where they are not those that the plan was made for."""
    from pdm.data.load import load
    from pdm.pipelines.card import CARD
    from pdm.training.data_record import changed

    asked, look = plan.asked, plan.look
    colour = "colour" if look.size > look.seen else asked.colour
    data = load(asked.source, size=look.seen, limit=asked.limit, colour=colour)
    if data.hash() != look.data_hash:
        state = work / "pdm" / "state"
        known = changed(data, state, work / "pdm" / CARD) if state.is_dir() else None
        raise ValueError(
            f"{work.parent}: expected the images that it was begun with, got {known or 'others'}; choose another folder"
        )
    return data


def _difference(before: Asked, now: Asked) -> str:
    """The first option that is not what it was."""
    then, given = asdict(before), asdict(now)
    name = next(name for name in then if then[name] != given[name])
    option = "data" if name == "source" else name.replace("_", "-")
    return f"--{option}: expected {then[name]}, which it was begun with, got {given[name]}"
