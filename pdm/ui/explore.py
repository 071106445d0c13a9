"""The Prototypes tab: the map, and an inspector for a star, a lasso of images, or an uploaded picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import gradio as gr
import torch
from PIL import Image

from pdm.data import from_pil
from pdm.engine import Request, checked, run
from pdm.studio import Studio
from pdm.ui.events import DENOISING, PRIVATE, SESSION_SECONDS, StopSwitch
from pdm.ui.map_view import MapView, map_base, map_state
from pdm.ui.picture_grid import Item, PictureGrid, pictures
from pdm.ui.session import Batch
from pdm.ui.wording import bars, heading, status

ABOUT = (
    "Every dot is a training image, placed by what the model's encoder sees in it; every star is one of the learned "
    "prototypes. Click a star to inspect it and paint from it, or lasso dots to see what lies in a region."
)
PREVIEWS = 8
SHOWN = 24  # images of a lasso that are drawn


@dataclass(frozen=True)
class ExploreTab:
    """The components other tabs and the page's start talk to."""

    view: MapView
    names: gr.Dropdown
    inspector: list


def build(library, model: gr.Dropdown) -> ExploreTab:
    studio = library.get()
    gr.Markdown(ABOUT, elem_classes="about")
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=2, min_width=320):
            view = MapView(base=map_base(studio), elem_id="map")
        with gr.Column(scale=1, min_width=300):
            names = gr.Dropdown(_choices(studio), value=None, label="Prototype", filterable=True, elem_id="star-names")
            title = gr.HTML(heading("Nothing chosen yet", "Click a star, or lasso some dots."), elem_id="star-title")
            make_up = gr.HTML("", elem_id="make-up")
            with gr.Row():
                paint = gr.Button("Generate from it", variant="primary", interactive=False, elem_id="paint")
                stop = gr.Button("Stop", scale=0, min_width=80)
            line = gr.HTML(status(""))
            painted = PictureGrid(elem_id="painted")
            shown_title = gr.HTML("")
            shown = PictureGrid(elem_id="shown")
            near_title = gr.HTML("")
            near = PictureGrid(elem_id="near")
            with gr.Accordion("Find a picture on the map", open=False):
                upload = gr.Image(type="pil", label="Your picture", sources=["upload", "clipboard"], height=160)
    switch = StopSwitch(stop)
    chosen = gr.State(None, time_to_live=SESSION_SECONDS)  # the prototype in the inspector
    inspector = [chosen, view, title, make_up, paint, line, painted, shown_title, shown, near_title, near]

    def on_star(model: str, event: gr.EventData):
        return star_views(library.get(model), event.id)

    def on_name(model: str, name: int | None):
        return [gr.skip()] * len(inspector) if name is None else star_views(library.get(model), name)

    def on_image(model: str, event: gr.EventData):
        studio = library.get(model)
        images = _checked(studio.check_images, [event.id])
        return _place_views(studio, studio.map.images[images], studio.class_of(images[0]), images)

    def on_lasso(model: str, event: gr.EventData):
        studio = library.get(model)
        return lasso_views(studio, _checked(studio.check_images, list(event.ids)))

    def on_upload(model: str, image: Image.Image | None):
        studio = library.get(model)
        if image is None:
            return [gr.skip()] * len(inspector)
        config = studio.pdm.denoiser.config
        picture = _checked(lambda p: from_pil(p, config.image_size, config.channels), image)
        return _place_views(studio, picture[None], "Your picture", [])

    def on_paint(star: int | None, model: str, pressed: float, asker: gr.Request) -> Iterator[tuple]:
        studio = library.get(model)
        if star is None or star >= studio.count:
            raise gr.Error("Choose a prototype first: click a star or take one from the list.")
        request = checked(studio, Request(prototypes=(star,), count=PREVIEWS, seed=1))
        yield status("starting", 0.0), gr.skip()
        for frame in run(studio, request):
            if switch.asked(asker, pressed):
                yield status(f"stopped at step {frame.step} of {frame.total}"), gr.skip()
                return
            text = (
                f"{PREVIEWS} pictures from {studio.names[star]}"
                if frame.done
                else f"step {frame.step} of {frame.total}"
            )
            part = None if frame.done else frame.step / frame.total
            yield status(text, part), pictures(frame.images, [Item(i) for i in range(PREVIEWS)], across=4, still=True)

    view.star(on_star, [model], inspector, queue=False, **PRIVATE)
    view.image(on_image, [model], inspector, queue=False, **PRIVATE)
    view.lasso(on_lasso, [model], inspector, queue=False, **PRIVATE)
    near.pick(on_star, [model], inspector, queue=False, **PRIVATE)
    names.input(on_name, [model, names], inspector, queue=False, **PRIVATE)
    upload.change(on_upload, [model, upload], inspector, queue=False, **PRIVATE)
    paint.click(on_paint, [chosen, model, switch.pressed], [line, painted], concurrency_id=DENOISING, **PRIVATE)
    return ExploreTab(view, names, inspector)


def _choices(studio: Studio) -> list[tuple[str, int]]:
    return [(studio.names[k], k) for k in studio.order]


def model_views(studio: Studio) -> tuple:
    """The map and the list of names for another model."""
    return gr.update(base=map_base(studio), value=map_state()), gr.update(choices=_choices(studio), value=None)


def _checked(check, value):
    try:
        return check(value)
    except (ValueError, OSError) as error:
        raise gr.Error(str(error), print_exception=False) from error


def class_bars(studio: Studio, counts: torch.Tensor) -> str:
    """Class make-up as bars; counts (C,). Nothing where the data has no labels."""
    total = float(counts.sum())
    if not studio.map.class_names or not total:
        return ""
    order = counts.argsort(descending=True).tolist()
    rows = [
        (
            studio.map.class_names[c],
            float(counts[c]),
            f"{100 * float(counts[c]) / total:.0f} %",
            studio.class_colours[c],
        )
        for c in order
        if counts[c] / total >= 0.01
    ]
    return bars(rows[:5])


def near_prototypes(studio: Studio, vectors: torch.Tensor, count: int = 6, skip: int | None = None) -> dict:
    """The prototypes nearest to a feature (1, D), each leading to its own star."""
    distances = torch.cdist(vectors, studio.vectors)[0]
    ids = [k for k in distances.argsort().tolist() if k != skip][:count]
    items = [Item(k, studio.names[k], f"{distances[k]:.2f} away", studio.colours[k]) for k in ids]
    return pictures(studio.map.images[[studio.covers[k] for k in ids]], items, cell=98)


def star_views(studio: Studio, k) -> list:
    """The inspector for prototype k."""
    k = _checked(studio.check_prototypes, [k])[0]
    ids, distances = studio.map.nearest(studio.vectors[k : k + 1], 8)
    items = [
        Item(i, studio.class_of(i), f"{d:.2f} away")
        for i, d in zip(ids[0].tolist(), distances[0].tolist(), strict=True)
    ]
    share = f"Nearest prototype of {100 * studio.usage[k]:.1f} % of the training images"
    return [
        k,
        map_state(star=k),
        heading(studio.names[k], share, studio.colours[k]),
        class_bars(studio, studio.pdm.bank.class_counts[k].cpu()),
        gr.update(interactive=True),
        status(""),
        pictures(None, []),
        heading("The images nearest to it"),
        pictures(studio.map.images[ids[0]], items, across=4, still=True),
        heading("Its neighbours"),
        near_prototypes(studio, studio.vectors[k : k + 1], skip=k),
    ]


def lasso_views(studio: Studio, ids: list[int]) -> list:
    """The inspector for a region of the map."""
    chosen = torch.tensor(ids)
    labels = studio.map.labels[chosen]
    counts = torch.bincount(labels[labels >= 0], minlength=max(1, len(studio.map.class_names)))
    middle = studio.map.features[chosen].mean(0, keepdim=True)
    first = ids[:: max(1, len(ids) // SHOWN)][:SHOWN]
    note = f"{len(first)} of them below." if len(ids) > len(first) else ""
    return [
        None,
        map_state(images=ids),
        heading(f"{len(ids)} images inside", note),
        class_bars(studio, counts),
        gr.update(interactive=False),
        status(""),
        pictures(None, []),
        heading("In the lasso"),
        pictures(studio.map.images[first], [Item(i) for i in first], cell=48, still=True),
        heading("Prototypes nearest to their mean"),
        near_prototypes(studio, middle),
    ]


def _place_views(studio: Studio, images: torch.Tensor, name: str, ids: list[int]) -> list:
    """The inspector for one picture (1, C, H, W), a training image or somebody's own, and its place on the map."""
    z = studio.features(images)
    x, y = studio.map.place(z)[0].tolist()
    near, distances = studio.map.nearest(z, 8)
    items = [
        Item(i, studio.class_of(i), f"{d:.2f} away")
        for i, d in zip(near[0].tolist(), distances[0].tolist(), strict=True)
    ]
    return [
        None,
        map_state(images=ids, query=None if ids else (x, y)),
        heading(name, "A training image." if ids else "Placed by its features; marked on the map."),
        "",
        gr.update(interactive=False),
        status(""),
        pictures(images, [Item(0)], cell=110, still=True),
        heading("Training images nearest to it"),
        pictures(studio.map.images[near[0]], items, across=4, still=True),
        heading("Its prototypes"),
        near_prototypes(studio, z),
    ]


def made_picture_views(studio: Studio, batch: Batch, index: int) -> list:
    """The inspector for a generated picture: where the map puts it."""
    return _place_views(studio, batch.tensor()[index : index + 1], "The picture you made", [])
