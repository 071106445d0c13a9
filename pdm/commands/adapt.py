"""`python -m pdm adapt`: a trained model learns a handful of new images."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from pdm.commands.parser import DATA_HELP, MODEL_HELP, add_command
from pdm.commands.values import at_least, positive, seed
from pdm.support.leftovers import is_free

MINUTES = 5.0


def add_adapt(subparsers) -> None:
    parser = add_command(
        subparsers,
        "adapt",
        adapt,
        "let a trained model learn a handful of new images",
        "Add prototypes to a trained model for a handful of new images, and let prototypes and denoiser go on\n"
        "learning for some minutes with the new images mixed among the old ones. The result is a model of its own in\n"
        "OUT, with a map; its new prototypes are the last ones. Run the same command again to go on where it stopped.",
        "adapt my-model --data my-images/ --images owls/ --minutes 5 --out my-model-with-owls",
    )
    option = parser.add_argument
    option("model", help=MODEL_HELP)
    option("--data", required=True, help="the images that the model was trained on: " + DATA_HELP)
    option("--images", required=True, help="the new images: the same kinds of place")
    option("--minutes", type=positive, default=MINUTES, metavar="M", help="about how long to learn (default: 5)")
    option(
        "--prototypes", type=at_least(1), metavar="N", help="to add (default: about the square root of the count, 1-8)"
    )
    option("--out", type=Path, required=True, help="folder to make: a new or empty one, or one to go on with")
    option("--seed", type=seed, default=0, help="default: 0")
    option("--device", choices=("auto", "cpu"), default="auto", help="cpu: leave a GPU unused")


def adapt(arguments: Namespace) -> str:
    from pdm.data.load import load
    from pdm.making.adapt import FILE, Adapting
    from pdm.making.steps import WORK
    from pdm.pipelines.loading import load_pipeline

    out = arguments.out
    begun = (out / WORK / FILE).is_file()
    if not begun and not is_free(out, WORK):
        raise ValueError(f"--out {out}: expected a new or empty folder, or one that `adapt` began, got another")
    net = load_pipeline(arguments.model, "pdm").denoiser.config
    colour = "colour" if net.channels == 3 else "grey"
    old, new = (load(source, size=net.image_size, colour=colour) for source in (arguments.data, arguments.images))
    adapting = Adapting(arguments.model, old, new, out, seed=arguments.seed, cpu=arguments.device == "cpu")
    adapting.run(arguments.minutes, arguments.prototypes)
    return f"wrote the model to {out}, its new prototypes the last ones; look at it with: python app.py --assets {out}"
