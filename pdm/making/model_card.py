"""What a made model says of itself: a README with a grid of samples, its training, and how to use it."""

from __future__ import annotations

from pathlib import Path

from pdm.making.card_names import model_name
from pdm.making.plan import Plan
from pdm.pipelines.card import denoiser_card
from pdm.pipelines.loading import load_pipeline
from pdm.support.files import atomic_file
from pdm.training.preview import sample_grid

GRID = "samples.png"
STEPS = 10

TEXT = """---
library_name: diffusers
pipeline_tag: unconditional-image-generation
tags:
  - diffusion
  - prototypes
---

# {name}

{count} prototypes and a denoiser of {parameters:.1f} M parameters, learned from {images:,} images of {data_set}
({kind}, {size} x {size} pixels). It paints from the prototypes: pick one, or mix several.

![64 samples, each from prototypes as the images have them]({grid})

## Use

```python
from pdm import PDMPipeline
PDMPipeline.from_pretrained("{folder}/pdm")(prototypes=[0, 1], num_images=4).images[0].save("picture.png")
```

On a page with a map: `python app.py --assets {folder}`.

## Training

| what | |
|---|---|
{rows}
{notes}"""


def write_model_card(plan: Plan, folder: Path, file: str) -> None:
    """Paint a grid with the finished pipeline, and write the card beside it."""
    pipeline = load_pipeline(folder / "pdm", "pdm")
    with atomic_file(folder / GRID) as part:
        sample_grid(pipeline, steps=STEPS).save(part)
    with atomic_file(folder / file) as part:
        part.write_text(card_text(plan, denoiser_card(folder / "pdm"), folder.resolve().name), encoding="utf-8")


def plain(name: str) -> str:
    """A name that Markdown takes for nothing else."""
    return "".join(c if c.isalnum() or c in " -_./" else "-" for c in name)


def card_text(plan: Plan, training: dict, name: str) -> str:
    """The card of a model in a folder of this name, with what its training card says."""
    config, look = plan.config, plan.look
    seen, latent = training["images_seen"], training["config"]["latent"]["autoencoder"]
    rows = {
        "images seen by the denoiser": f"{seen:,} ({seen / look.images:,.0f} passes)",
        "minutes": f"{training['minutes']:.0f} on {training['device']}",
        "steps of the prototypes alone": f"{config.prototypes.warmup_steps:,}",
        "images seen by the student, for one to four steps": f"{plan.student.images:,}",
        **({"painted as latents of": plain(latent)} if latent else {}),
        **({"its net began as that of": plain(model_name(begun))} if (begun := config.net_from) else {}),
        "symmetries used": {"none": "none", "flip": "mirrored", "d4": "mirrored and turned"}[config.augment],
        "held out": f"{look.held_out:,} images",
        "baseline beside it": "RDM, in rdm/" if plan.asked.baseline else "none",
        "seed": plan.asked.seed,
    }
    return TEXT.format(
        name=plain(name),
        folder=plain(name),
        count=config.prototypes.count,
        parameters=plan.pace.parameters / 1e6,
        images=look.images,
        data_set=plain(look.data_set),
        kind="colour" if look.channels == 3 else "grey",
        size=look.size,
        grid=GRID,
        rows="\n".join(f"| {what} | {value} |" for what, value in rows.items()),
        notes="".join(f"\n* {warning}\n" for warning in plan.warnings()),
    )
