"""The page: header, tabs, theme, and what a visitor sees before doing anything."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from pdm.engine import Request, checked, run
from pdm.studio import Library
from pdm.ui import api, compare, explore, generate
from pdm.ui.events import PRIVATE
from pdm.ui.session import Batch, History, Picks, finished

TITLE = "Prototype Diffusion Studio"
FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
MONO = ("ui-monospace", "SF Mono", "Menlo", "Consolas", "monospace")


def theme() -> gr.themes.Base:
    """Neutral ground, one accent, system fonts: nothing is loaded from elsewhere."""
    return gr.themes.Base(
        primary_hue="teal", secondary_hue="teal", neutral_hue="zinc", radius_size="md", font=FONT, font_mono=MONO
    ).set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_text_color="white",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        block_border_width="0px",
        block_border_width_dark="0px",
        body_background_fill_dark="*neutral_950",
    )


def warm_up(library: Library) -> Batch:
    """A real first batch with its recipe: it warms the network up and is what the page opens with."""
    studio = library.get()
    request = checked(studio, Request(seed=1))
    *_, last = run(studio, request)
    return finished(studio, request, last)


def build(library: Library, device_text: str) -> gr.Blocks:
    """The whole page as Blocks; launch it with `theme()`, `css()` and the files of `map_view.served_files`."""
    first = warm_up(library)
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        api.build(library)  # before the tabs: the endpoints have the first right to their names
        with gr.Row(elem_classes="header"):
            gr.HTML(f"<h1>{TITLE}</h1>", scale=1)
            titles = [(library.get(n).title if n == library.default else n, n) for n in library.names]
            model = gr.Dropdown(
                titles,
                value=library.default,
                label="Model",
                show_label=False,
                container=False,
                scale=0,
                min_width=180,
                elem_id="model",
            )
            gr.HTML(f'<p class="device">{device_text}</p>', scale=0)
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Generate", id="generate"):
                making = generate.build(library, first, model)
            with gr.Tab("Prototypes", id="prototypes"):
                exploring = explore.build(library, model)
            with gr.Tab("Compare", id="compare"):
                compare.build(library, model)

        def opened(picks: Picks, made: History, name: str):
            studio = library.get(name)
            batch = made.batch
            home = library.get(batch.model)
            return (
                generate.said(batch),
                *generate.picked_views(studio, picks),
                *generate.batch_views(library, made),
                *generate.detail_views(home, batch, 0),
            )

        def switched(name: str):
            studio = library.get(name)
            most = gr.update(maximum=studio.max_steps)
            return Picks(), *generate.picked_views(studio, Picks()), most, *explore.model_views(studio)

        def show_on_map(made: History, name: str, index: int):
            if made.batch is None or made.batch.model != name:
                raise gr.Error("This picture was made with another model; choose that model first.")
            views = explore.made_picture_views(library.get(name), made.batch, index)
            return gr.Tabs(selected="prototypes"), *views

        page.load(
            opened,
            [making.picks, making.made, model],
            [making.status, making.prototypes, making.mixer, making.grid, making.history, *making.detail],
            queue=False,
            **PRIVATE,
        )
        model.input(
            switched,
            [model],
            [making.picks, making.prototypes, making.mixer, making.steps, exploring.view, exploring.names],
            queue=False,
            **PRIVATE,
        )
        making.on_map.click(
            show_on_map, [making.made, model, making.detail[-1]], [tabs, *exploring.inspector], queue=False, **PRIVATE
        )
    return page.queue(max_size=32, default_concurrency_limit=4)


def css() -> str:
    return (Path(__file__).parent / "page.css").read_text()
