"""What `python -m pdm map` does."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from pdm.commands.common import check_channels, check_replaceable

MAP_IMAGES = 10_000  # on a map, where no number is given: a memory's first ones, so that its pictures are there


def make_map(arguments: Namespace) -> str:
    from tqdm.auto import tqdm

    from pdm.data.images import load
    from pdm.map.generated import generated_data
    from pdm.map.projection import fit_map, save_map
    from pdm.pipelines.card import denoiser_card
    from pdm.pipelines.loading import load_pipeline, resolve
    from pdm.support.device import fastest_dtype, pick_device

    check_replaceable(arguments.out, "map.json")
    generated = arguments.generated is not None
    if generated and (arguments.data is not None or arguments.count is not None):
        raise ValueError("--generated: expected it without --data and --count, got both")
    device = pick_device(arguments.device)
    pipeline = load_pipeline(arguments.model, "pdm", device, fastest_dtype(device))
    if generated:
        trained_on = denoiser_card(resolve(arguments.model, "pdm")).get("data_set", Path(arguments.model).name)
        data = generated_data(pipeline, arguments.generated, arguments.seed, trained_on)
    else:
        size, count = pipeline.denoiser.config.image_size, arguments.count or MAP_IMAGES
        data = load(arguments.data or "fashion-mnist", size=size, limit=count)
    check_channels(data, pipeline.denoiser.config.channels)
    with tqdm(total=3, desc="map") as bar:

        def say(message: str) -> None:
            bar.set_description(message)
            bar.update()

        fitted = fit_map(pipeline.bank, data, arguments.seed, say, generated=generated)
        bar.update(bar.total - bar.n)
    what = "generated pictures" if generated else "images"
    return f"wrote a map of {len(data)} {what} to {save_map(fitted, arguments.out, lossy=generated)}"
