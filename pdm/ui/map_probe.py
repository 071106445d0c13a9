"""A page with nothing but a prototype map of many points, for the benchmark: python -m pdm.ui.map_probe MODEL ..."""

from __future__ import annotations

import argparse
from dataclasses import replace

import gradio as gr
import torch

from pdm.app.studio import Studio, ready
from pdm.map.projection import PrototypeMap, load_map
from pdm.pipelines.loading import load_pipeline, model_folder
from pdm.pipelines.pdm import PDMPipeline
from pdm.ui import page
from pdm.ui.components.map_view import MapView, map_base, map_state, served_files

JITTER = 0.08  # of the copies of an image, on a plane of about +-10


def enlarged(m: PrototypeMap, points: int) -> PrototypeMap:
    """The map with its images repeated up to `points` of them, each copy beside its image."""
    if points < len(m):
        raise ValueError(f"points: expected at least the map's {len(m)}, got {points}")
    rows = torch.arange(points) % len(m)
    shift = JITTER * torch.randn(points - len(m), 2, generator=torch.Generator().manual_seed(0))
    xy = torch.cat([m.xy, m.xy[rows[len(m) :]] + shift])
    return replace(m, xy=xy, features=m.features[rows], labels=m.labels[rows], images=m.images[rows])


def build(studio: Studio) -> gr.Blocks:
    """A page whose button gives the map its points, so that what follows can be timed."""
    state = map_state(studio.shown_set())
    with gr.Blocks(analytics_enabled=False, fill_width=True) as blocks:
        show = gr.Button("Show", elem_id="show")
        view = MapView(None, base=None, elem_id="map")
        show.click(lambda: gr.update(base=map_base(studio), value=state), None, view, show_progress="hidden")
    return blocks


def main() -> None:
    parser = argparse.ArgumentParser(prog="pdm.ui.map_probe", description=__doc__)
    parser.add_argument("model", help="a folder that holds pdm/ and map/, or a name under assets/")
    parser.add_argument("--points", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    folder = model_folder(options.model)
    m = enlarged(load_map(folder / "map"), options.points)
    pipeline = load_pipeline(folder, "pdm")
    assert isinstance(pipeline, PDMPipeline)
    studio = Studio(folder.name, pipeline, None, ready(m))
    gr.set_static_paths(served_files())
    build(studio).launch(server_port=options.port, theme=page.theme(), ssr_mode=False, quiet=True)


if __name__ == "__main__":
    main()
