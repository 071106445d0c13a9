"""The benchmark's section on canvases: is a region painted where it was drawn, are there seams, what does it cost?"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from pdm.evaluation.drawing import seeded
from pdm.evaluation.featurenet import load_feature_net
from pdm.experiments.bench.bench import STEPS, Bench, Numbers
from pdm.experiments.bench.canvas_scenes import Scene, scenes, seam_energies
from pdm.metrics.fidelity import prototype_fidelity
from pdm.model.encoders import embed_all
from pdm.pipelines.palette import SOFTEN
from pdm.pipelines.regions import Regions
from pdm.sampling.student import STUDENT
from pdm.sampling.windows import plan
from pdm.support.allocator import give_back
from pdm.support.timing import interleaved, timed

NEAREST = 5  # a crop obeys where f_phi ranks its region's prototype among so many
SIDES = 4  # a canvas is so many of the net's own pictures wide and high
LARGEST = 1024  # pixels of the canvas whose memory is measured


def canvas(bench: Bench) -> tuple[Numbers, dict]:
    """Random scenes, painted as the model's configuration says and the other way; times and memory of canvases."""
    pipeline, count = bench.pdm, bench.pick(50, 1)
    own = pipeline.denoiser.config.image_size
    side = own * bench.pick(SIDES, 2)
    drawn = scenes(count, side, own, range(pipeline.bank.count), torch.Generator().manual_seed(0))
    tiling = pipeline.config.tiling
    numbers = _obeyed(bench, drawn, tiling)
    other = "whole" if tiling == "windows" else "windows"
    again = _obeyed(bench, drawn[: bench.pick(15, 1)], other)
    numbers |= {f"canvas.{other}.{key.removeprefix('canvas.')}": value for key, value in again.items()}
    numbers["canvas.class_whole"] = whole = _class_of_whole_pictures(bench)
    numbers["canvas.class_lost"] = whole - (numbers["canvas.class_obeyed"] or 0.0)
    numbers["canvas.seams_most"] = numbers["canvas.seams"]  # it has a bar on either side
    times, timings = _times(bench, drawn[0], side)
    numbers |= times
    numbers["canvas.peak_mb"] = peak_mb(bench, bench.pick(LARGEST, side))
    settings = {"scenes": count, "side": side, "steps": bench.pick(STEPS, 2), "nearest": NEAREST, "soften": SOFTEN}
    return numbers, settings | {"tiling": tiling, "largest": LARGEST, **timings}


def _obeyed(bench: Bench, drawn: Sequence[Scene], tiling: str) -> Numbers:
    """Shares of crops inside regions that f_phi and the classifier recognise, and the energy of seams.

    A mosaic's crops are its pictures: at another place there are parts of two. And it has no seams: nothing of it is
    averaged, and what lies between two objects is their ground.
    """
    pipeline, bank = bench.pdm, bench.pdm.bank
    own, net = pipeline.denoiser.config.image_size, load_feature_net(bench.assets / "classifier")
    features, classes, ids, energies = [], [], [], []
    for i, scene in enumerate(drawn):
        image = _painted(bench, scene.regions(SOFTEN), seeded(1000 + i, 1), tiling=tiling)[0]
        _, height, width = image.shape
        if tiling != "mosaic":
            windows = plan(height, width, own, pipeline.denoiser.grid)
            energies.append(seam_energies(image, scene.indices, windows, own))
        crops, of = scene.crops(image, own, own if tiling == "mosaic" else None)
        if len(of):
            features.append(embed_all(bank.encode, crops).float())
            classes.append(net.scores(net.features(crops)).argmax(1).cpu())
            ids.append(of)
    z, asked = torch.cat(features), torch.cat(ids)
    vectors, nearest = bank.vectors.detach().float(), min(NEAREST, bank.count)
    turned = asked.roll(len(asked) // 2)  # what crops of other scenes were asked for
    return {
        "canvas.obeyed": prototype_fidelity(z, vectors, asked, nearest),
        "canvas.chance": prototype_fidelity(z, vectors, turned, nearest),
        "canvas.class_obeyed": float((torch.cat(classes) == _majority(bench)[asked]).float().mean()),
        "canvas.seams": _relative(energies),
    }


def _relative(energies: Sequence[tuple[float, float]]) -> float | None:
    """The mean energy across seams over that elsewhere; None without seams."""
    if not energies:
        return None
    seams, elsewhere = (statistics.mean(column) for column in zip(*energies, strict=True))
    return seams / elsewhere


def _painted(bench: Bench, regions: Regions, generators: list, **options) -> torch.Tensor:
    images = bench.pdm(
        regions=regions,
        num_images=len(generators),
        generator=generators,
        num_inference_steps=bench.pick(STEPS, 2),
        output_type="pt",
        **options,
    ).images
    assert isinstance(images, torch.Tensor)
    return images


def _majority(bench: Bench) -> torch.Tensor:
    """The class that most of a prototype's training images are of (K,)."""
    return bench.pdm.bank.class_counts.argmax(1).cpu()


def _class_of_whole_pictures(bench: Bench) -> float:
    """The share of pictures from single prototypes whose class is that of most of its prototype's images."""
    net, right = load_feature_net(bench.assets / "classifier"), []
    for k in range(bench.pick(bench.pdm.bank.count, 2)):
        images = bench.pdm(
            prototypes=[k],
            num_images=(n := bench.pick(8, 1)),
            generator=seeded(0, n),
            num_inference_steps=bench.pick(STEPS, 2),
            output_type="pt",
        ).images
        assert isinstance(images, torch.Tensor)
        right.append(float((net.scores(net.features(images)).argmax(1).cpu() == _majority(bench)[k]).float().mean()))
    return statistics.mean(right)


def _times(bench: Bench, scene: Scene, side: int) -> tuple[Numbers, dict]:
    """A canvas beside the pictures that hold as many pixels, and a student's two steps."""
    regions, steps = scene.regions(SOFTEN), bench.pick(STEPS, 2)
    count = (side // bench.pdm.denoiser.config.image_size) ** 2
    pictures = lambda: bench.pdm(num_images=count, generator=seeded(0, count), num_inference_steps=steps)  # noqa: E731
    whole = lambda: _painted(bench, regions, seeded(0, 1))  # noqa: E731
    repeats = bench.pick(9, 1)
    full, beside, ratio = interleaved(whole, pictures, bench.device, repeats=repeats, warmup=bench.pick(2, 0))
    numbers: Numbers = {"canvas.full_s": full.median, "canvas.pictures_s": beside.median, "canvas.full_ratio": ratio}
    if bench.pdm.student is None:
        return numbers | {"canvas.sketch_s": None}, {"full": full.to_dict(), "pictures": beside.to_dict()}

    def sketch() -> None:
        bench.pdm(regions=regions, generator=seeded(0, 1), num_inference_steps=2, sampler=STUDENT)

    sketched = timed(sketch, bench.device, repeats=repeats, warmup=bench.pick(2, 0))
    numbers["canvas.sketch_s"] = sketched.median
    return numbers, {"full": full.to_dict(), "pictures": beside.to_dict(), "sketch": sketched.to_dict()}


def peak_mb(bench: Bench, side: int) -> float | None:
    """How much a fresh process grows by, at most, while it paints a square canvas; None where that cannot be known."""
    command = [sys.executable, "-m", __name__, str(bench.assets), str(side), str(bench.pick(2, 1)), bench.device.type]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = done.stdout.strip().splitlines()[-1]
    return None if said == "unknown" else float(said)


def _grown(assets: str, side: int, steps: int, device: str) -> str:
    """What `peak_mb` runs in a process of its own: prints megabytes."""
    bench = Bench(Path(assets), "", torch.device(device), quick=False)
    pipeline = bench.pdm
    own, generator = pipeline.denoiser.config.image_size, torch.Generator().manual_seed(3)
    regions = scenes(1, side, own, range(pipeline.bank.count), generator)[0].regions(SOFTEN)
    pipeline(prototypes=[0], num_inference_steps=1)  # what a first picture leaves is not the canvas's
    give_back()  # nor is there room for it in what was freed before
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak is now what there is
        before = _status("VmRSS")
    except OSError:
        return "unknown"
    pipeline(regions=regions, generator=seeded(0, 1), num_inference_steps=steps)
    return str((_status("VmHWM") - before) / 1e3)


def _status(field: str) -> int:
    """A number of this process's status, in kilobytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    print(_grown(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
