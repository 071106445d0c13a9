"""What `python -m pdm map` does."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from pdm.commands.common import check_channels, check_replaceable, say_found
from pdm.commands.parser import MODEL_HELP, add_command, add_data
from pdm.commands.values import at_least, seed


def add_map(subparsers) -> None:
    parser = add_command(
        subparsers,
        "map",
        make_map,
        "lay out images and prototypes on a plane",
        "Fit the 2-D map of a model's features (UMAP) that the app shows. Takes about a minute for 10,000 images.\n"
        "With --generated the map is of pictures that the model makes itself: it then holds nobody's images.",
        "map --model runs/pdm/pipeline --data fashion-mnist --count 10000 --out runs/map",
    )
    option = parser.add_argument
    option("--model", required=True, help=MODEL_HELP)
    add_data(parser, otherwise=" (default: fashion-mnist)")
    option("--count", type=at_least(10), metavar="N", help="images on the map (default: 10000)")
    option("--generated", type=at_least(10), metavar="N", help="a map of N pictures made by the model, without --data")
    option("--lossy", action="store_true", help="keep the images as WebP: smaller, and not quite the same")
    option("--seed", type=seed, default=0, help="default: 0")
    option("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto", help="to generate on (default: auto)")
    option("--out", type=Path, required=True, help="folder to write")


def make_map(arguments: Namespace) -> str:
    from tqdm.auto import tqdm

    from pdm.data.load import load
    from pdm.map.generated import generated_data
    from pdm.map.projection import fit_map, save_map
    from pdm.map.sheet import grid_of, usual_count
    from pdm.pipelines.card import denoiser_card
    from pdm.pipelines.loading import load_pipeline, resolve
    from pdm.support.device import fastest_dtype, pick_device

    check_replaceable(arguments.out, "map.json")
    generated = arguments.generated is not None
    if generated and (arguments.data is not None or arguments.count is not None):
        raise ValueError("--generated: expected it without --data and --count, got both")
    device = pick_device(arguments.device)
    pipeline = load_pipeline(arguments.model, "pdm", device, fastest_dtype(device))
    size = pipeline.seen_size
    count = arguments.count or usual_count(size)
    grid_of(arguments.generated or count, size, size)  # before anything is painted
    if generated:
        trained_on = denoiser_card(resolve(arguments.model, "pdm")).get("data_set", Path(arguments.model).name)
        data = generated_data(pipeline, arguments.generated, arguments.seed, trained_on)
    else:
        data = load(arguments.data or "fashion-mnist", size=size, limit=count, colour=arguments.colour)
    check_channels(data, pipeline.channels)
    say_found(data)
    with tqdm(total=3, desc="map") as bar:

        def say(message: str) -> None:
            bar.set_description(message)
            bar.update()

        fitted = fit_map(pipeline.bank, data, arguments.seed, say, generated=generated)
        bar.update(bar.total - bar.n)
    what = "generated pictures" if generated else "images"
    return f"wrote a map of {len(data)} {what} to {save_map(fitted, arguments.out, lossy=generated or arguments.lossy)}"
