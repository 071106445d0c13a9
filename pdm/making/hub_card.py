"""The model card that the hub shows: what a model is, how to use it, how it was trained, and what was measured."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pdm.data.known import HUB_IDS
from pdm.evaluation.evaluation_table import evaluation_table
from pdm.making.adapt import FILE as ADAPTED
from pdm.making.licences import Licence
from pdm.making.model_card import GRID, plain
from pdm.making.names import WORK
from pdm.pipelines.card import CARD, denoiser_card
from pdm.pipelines.loading import HUB_ID, INDEX
from pdm.pipelines.pdm import PDMPipeline
from pdm.results.shapes import read_shipped
from pdm.results.table import markdown
from pdm.support.files import read_json

PAPER = "[Prototype-Guided Diffusion](https://arxiv.org/abs/2508.09922)"
EVALUATIONS = ("evaluation", "evaluation-rdm")
FEW = 1_000  # training images, below which most pictures are close to copies

TEXT = """---
{head}
---

# {name}

{count} prototypes and a denoiser of {parameters:.1f} M parameters, learned from {images} images of {data_set}
({kind}, {size} x {size} pixels): a prototype diffusion model, as in {paper}. It paints from its
prototypes, without captions and without an image database: pick one, or mix several.

![{grid_text}]({grid})

## Use

```python
from pdm.pipelines.loading import load_pipeline
load_pipeline("{repo}")(prototypes=[0, 1], num_images=4).images[0].save("picture.png")
```

On a page with a map: `hf download {repo} --local-dir {folder}`, then `python app.py --assets {folder}`.

## Training

| what | |
|---|---|
{rows}

`pdm/{card}` has the whole of it, with every setting.

## Results

{results}

## Limits

{limits}

## Licence

{licence}
"""


@dataclass(frozen=True)
class Told:
    """What the files do not say: where it goes, under which licence, and what its map shows."""

    repo: str
    licence: Licence
    base_model: str | None
    with_images: bool


def card_text(folder: Path, pipeline: PDMPipeline, results: Path, told: Told) -> str:
    """The card of a model whose published files are in `folder`, and what was measured of it in `results`."""
    card = denoiser_card(folder / "pdm")
    name = told.repo.split("/")[1]
    images = card.get("images")
    return TEXT.format(
        head=head(told, card.get("data_set")),
        name=name,
        folder=name,
        repo=told.repo,
        count=pipeline.bank.count,
        parameters=sum(p.numel() for p in pipeline.denoiser.parameters()) / 1e6,
        images=f"{images:,}" if isinstance(images, int) else "the",
        data_set=plain(str(card.get("data_set", "an unnamed data set"))),
        kind="colour" if pipeline.channels == 3 else "grey",
        size=pipeline.image_size,
        paper=PAPER,
        grid=GRID,
        grid_text="Samples, each from prototypes as the images have them",
        rows="\n".join(f"| {what} | {value} |" for what, value in rows(folder, pipeline, card).items()),
        card=CARD,
        results=_results(results),
        limits="\n".join(f"* {line}" for line in limits(card, told)),
        licence=told.licence.sentence(),
    )


def head(told: Told, data_set: object) -> str:
    """The front matter, as the hub reads it."""
    lines = [
        *told.licence.lines(),
        "library_name: diffusers",
        "pipeline_tag: unconditional-image-generation",
        "tags:",
        *(f"- {tag}" for tag in ("diffusion", "prototypes", "prototype-diffusion")),
    ]
    if told.base_model is not None:
        lines.append(f"base_model: {json.dumps(told.base_model)}")
    if isinstance(data_set, str) and data_set in HUB_IDS:
        lines += ["datasets:", f"- {HUB_IDS[data_set]}"]
    return "\n".join(lines)


def rows(folder: Path, pipeline: PDMPipeline, card: dict) -> dict[str, object]:
    """What the training card says, in a few lines."""
    seen, images, config = card.get("images_seen"), card.get("images"), card.get("config", {})
    said: dict[str, object] = {}
    if isinstance(seen, int):
        passes = f" ({seen / images:,.0f} passes)" if isinstance(images, int) and images else ""
        said["images seen by the denoiser"] = f"{seen:,}{passes}"
    if isinstance(card.get("minutes"), int | float):
        said["minutes"] = f"{card['minutes']:.0f} on {plain(str(card.get('device', 'an unnamed device')))}"
    if isinstance(before := card.get("net_from"), dict):
        said["its net began as one of"] = plain(str(before.get("data_set", "an unnamed data set")))
    said["prototypes in use"] = f"{int((pipeline.bank.usage > 0).sum())} of {pipeline.bank.count}"
    if config.get("augment") in ("flip", "d4"):
        said["symmetries used"] = {"flip": "mirrored", "d4": "mirrored and turned"}[config["augment"]]
    said["student, for one to four steps"] = "none" if pipeline.student is None else "yes"
    said["baseline beside it"] = "RDM, in rdm/" if (folder / "rdm").is_dir() else "none"
    if pipeline.autoencoder is not None:
        said["paints"] = "latents, which its autoencoder makes pictures of"
    if isinstance(card.get("seed"), int):
        said["seed"] = card["seed"]
    return said


def limits(card: dict, told: Told) -> list[str]:
    """What whoever uses it should know."""
    images, said = card.get("images"), []
    if isinstance(images, int) and images < FEW:
        said.append(f"{images:,} training images are few: many pictures will be nearly copies of them.")
    said.append("It knows what its training images showed, and paints nothing else.")
    said.append(
        "The map shows small copies of training images."
        if told.with_images
        else "The map shows pictures that the model painted; no training image is in these files."
    )
    return said


def base_model(folder: Path) -> str | None:
    """The hub's model that this one was made from, where its files say so and it was fetched to this machine."""
    from huggingface_hub import try_to_load_from_cache

    for name in _starts(folder):
        if HUB_ID.fullmatch(name) and not Path(name).exists():
            if any(isinstance(try_to_load_from_cache(name, file), str) for file in (INDEX, f"pdm/{INDEX}")):
                return name
    return None


def _starts(folder: Path) -> list[str]:
    """What was named as the model to start from, by `adapt` and in the training card."""
    found: list[object] = []
    adapted = folder / WORK / ADAPTED
    if adapted.is_file():
        found.append(read_json(adapted).get("asked", {}).get("model"))
    config = denoiser_card(folder / "pdm").get("config", {})
    found += [config.get("start"), config.get("net_from")]
    return [name for name in found if isinstance(name, str)]


def _results(folder: Path) -> str:
    """The tables of what `evaluate` measured; or how to measure it."""
    tables = [markdown(evaluation_table(found)) for name in EVALUATIONS if (found := read_shipped(folder, name))]
    return "\n".join(tables).strip() or "Not measured; `python -m pdm evaluate` does it."
