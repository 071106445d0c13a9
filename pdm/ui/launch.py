"""From options to a running server."""

from __future__ import annotations

import os
from pathlib import Path

import gradio as gr
import torch

from pdm.app.studio import Library
from pdm.app.votes import Votes
from pdm.app.votes_hub import kept_on_hub
from pdm.support.device import fastest_dtype, pick_device
from pdm.support.paths import ASSETS
from pdm.ui import page
from pdm.ui.components.map_view import served_files
from pdm.ui.guard.settings import launch_options


def run(
    host: str, port: int, model: str, device: str, votes: Path, assets: Path | None = None, data: Path | None = None
) -> None:
    """Load the model, build the page and serve it until interrupted. Raises ValueError or OSError in one line."""
    device = pick_device(device)
    dtype = fastest_dtype(device)
    if data is not None and not data.is_dir():
        raise ValueError(f"--data: expected a folder of data sets, got {str(data)!r}")
    library = Library(model, device=device, dtype=dtype, assets=assets or ASSETS, data=data)
    if data is not None:  # now, not when a visitor first opens the model: it takes a minute, and once only
        library.show_given(lambda name, what: print(f"{name}: {what}", flush=True))
    gr.set_static_paths(served_files())
    blocks = page.build(library, f"{_device_text(device)}, {str(dtype).removeprefix('torch.')}", _votes(votes))
    try:
        blocks.launch(
            server_name=host,
            server_port=port,
            theme=page.theme(),
            css=page.css(),
            footer_links=["api", "settings"],
            ssr_mode=False,
            show_error=True,
            **launch_options(blocks, host),
        )
    except OSError as error:
        raise OSError(f"port {port}: expected a free one, got one in use; choose another with --port") from error


def _votes(path: Path) -> Votes:
    """In a file; on a Space whose owner named a data set (VOTES_REPO) and gave a token (HF_TOKEN), there as well."""
    repo, token = os.environ.get("VOTES_REPO"), os.environ.get("HF_TOKEN")
    return kept_on_hub(path, repo, token)[0] if repo and token else Votes(path)


def _device_text(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{threads} CPU core{'s' if threads > 1 else ''}" if device.type == "cpu" else "Apple GPU"
