"""Named endpoints for scripts: /models, /prototypes, /generate and /compare. Every value is checked here."""

# No `from __future__ import annotations` here: Gradio reads the endpoints' real types, not their text.
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import gradio as gr
from gradio.data_classes import FileData
from gradio.events import api

from pdm.app.costs import bytes_kept
from pdm.app.gate import price
from pdm.app.library import Library
from pdm.app.painting import run
from pdm.app.requests import Request, resolved
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.pipelines.recipe import png_bytes
from pdm.support.checks import shown
from pdm.ui.api import canvas as api_canvas
from pdm.ui.api import sets as api_sets
from pdm.ui.api.clients import Clients
from pdm.ui.guard.turns import gated, wanted
from pdm.ui.shared.descriptions import star_classes
from pdm.ui.shared.downloads import endpoint_file
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.session import Batch, finished


def build(library: Library) -> None:
    """Add /models, /prototypes, /generate, /compare, /paint, and those that edit, to the page being built."""
    clients = Clients()
    api(models_endpoint(library), api_name="models", queue=False)
    api(prototypes_endpoint(library, clients), api_name="prototypes", queue=False)
    for name, endpoint, cost in (("generate", generate_endpoint, _price), ("compare", compare_endpoint, _price_of_two)):
        api(gated(endpoint(library, clients), cost, newer="refused"), api_name=name, concurrency_limit=None)
    api_canvas.build(library, clients)
    api_sets.build(library, clients)


# Each endpoint is made by a function of its own, so that its signature, which the API shows, can name the model that
# the app was started with.


def models_endpoint(library: Library) -> Callable:
    def models() -> list[dict]:
        """The models that can be used, each with its methods, number of prototypes and classes."""
        return [describe(library.get(name)) for name in library.names]

    return models


def prototypes_endpoint(library: Library, clients: Clients) -> Callable:
    def prototypes(asker: gr.Request, model: str = library.default) -> list[dict]:
        """The prototypes of a model as this session has them: id, name, share of the training images, class make-up."""
        studio = or_gr_error(library.get, model)
        return prototype_list(clients.of(asker).shown_set(studio))

    return prototypes


def generate_endpoint(library: Library, clients: Clients) -> Callable:
    def generate(
        asker: gr.Request,
        model: str = library.default,
        method: Literal["pdm", "rdm", "unconditional", "s-pdm", "paper"] = "pdm",
        prototypes: list[int] = [],  # noqa: B006 (shown as the example; never changed)
        weights: list[float] = [],  # noqa: B006
        count: int = 16,
        seed: int = 1,
        steps: int = 10,
        guidance: float | None = None,
        negative: list[int] = [],  # noqa: B006
    ) -> tuple[list[FileData], dict]:
        """Generate pictures. Returns PNG files (each with its recipe inside) and the recipe of the batch.

        method: one that /models names for the model; "paper" is PDM as published. prototypes and weights: for "pdm";
        if empty, each picture draws its own mix, as frequent as in the data. negative: prototypes of which nothing is
        to be painted. Picture i uses seed + i. "pdm" paints from this session's set, as /edit has made it.
        """
        studio = or_gr_error(library.get, model)
        ids, mix = _list("prototypes", prototypes), _list("weights", weights)
        own = clients.of(asker).now(studio) if method == "pdm" else None
        without = _list("negative", negative)
        request = Request(method, ids, mix, count, seed, steps, guidance, prototype_set=own, negative=without)
        batch = make(studio, request)
        return files(studio, batch), batch_recipe(studio, batch)

    return generate


def compare_endpoint(library: Library, clients: Clients) -> Callable:
    def compare(
        asker: gr.Request,
        model: str = library.default,
        count: int = 4,
        seed: int = 1,
        steps: int = 10,
        guidance: float | None = None,
    ) -> tuple[list[FileData], list[FileData], dict]:
        """The same seeds through PDM and RDM. Returns both sets of PNG files and the measured times and bytes."""
        studio = or_gr_error(library.get, model)
        if studio.rdm is None:
            raise gr.Error(f"model: expected one with an RDM, got {shown(model)}")
        request = Request("rdm", (), (), count, seed, steps, guidance)
        ours = replace(request, method="pdm", prototype_set=clients.of(asker).now(studio))
        batches = {"pdm": make(studio, ours), "rdm": make(studio, request)}
        kept = bytes_kept(studio)
        measured = {
            m: {"condition_ms": round(b.find_ms, 3), "denoise_ms": round(b.denoise_ms, 1), "bytes": kept[m]}
            for m, b in batches.items()
        }
        return files(studio, batches["pdm"]), files(studio, batches["rdm"]), measured

    return compare


def _price(asker, model, method, prototypes, weights, count, seed, steps, guidance=None, negative=()) -> float:
    return price(count, steps, guidance, others=len(negative) if isinstance(negative, list) else 0)


def _price_of_two(asker, model, count, seed, steps, guidance=None) -> float:
    return 2 * price(count, steps, guidance)


def _list(field: str, value: object) -> tuple:
    if not isinstance(value, list | tuple | None):
        raise gr.Error(f"{field}: expected a list, got {shown(value)}", print_exception=False)
    return tuple(value or ())


def describe(studio: Studio) -> dict:
    """A model as /models lists it."""
    return {
        "name": studio.name,
        "title": studio.title,
        "methods": list(studio.methods),
        "prototypes": len(studio.base.ids),
        "image_size": studio.pdm.image_size,
        "channels": studio.pdm.channels,
        "classes": list(studio.map.class_names),
    }


def prototype_list(shown_set: ShownSet) -> list[dict]:
    """A set as /prototypes lists it."""
    names = shown_set.studio.map.class_names
    return [
        {
            "id": k,
            "name": shown_set.names[k],
            "share": round(shown_set.usage[k], 5),
            "colour": shown_set.colours[k],
            "classes": {n: int(c) for n, c in zip(names, star_classes(shown_set, k).tolist(), strict=False) if c},
            "tags": list(shown_set.prototypes.get(k).tags),
            "muted": shown_set.prototypes.get(k).muted,
        }
        for k in shown_set.prototypes.ids
    ]


def make(studio: Studio, request: Request) -> Batch:
    """Run a request to its end; a wrong value becomes the client's error message."""
    try:
        request = resolved(studio, request)
    except (ValueError, TypeError) as error:
        raise gr.Error(str(error), print_exception=False) from error
    *_, last = wanted(run(studio, request))
    return finished(studio, request, last)


def files(studio: Studio, batch: Batch) -> list[FileData]:
    """One PNG per picture, under a name that says what it is."""
    names = [f"{studio.name}-{batch.request.method}-{batch.request.seed + i}.png" for i in range(len(batch))]
    return [
        endpoint_file(png_bytes(batch.picture(studio, i), batch.recipe(studio, i)), name, "image/png")
        for i, name in enumerate(names)
    ]


def batch_recipe(studio: Studio, batch: Batch) -> dict:
    """The recipe of the first picture, with what belongs to the whole batch."""
    return {
        **batch.recipe(studio, 0).to_dict(),
        "count": len(batch),
        "conditions": [[list(pair) for pair in row] for row in batch.evidence],
        "condition_ms": round(batch.find_ms, 3),
        "denoise_ms": round(batch.denoise_ms, 1),
    }
