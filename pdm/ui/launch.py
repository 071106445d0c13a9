"""From options to a running server, with as little imported before its first answer as that needs."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pdm.support.lean_imports import import_diffusers, import_gradio
from pdm.support.machine import check_address, own_files, past_proxies

if TYPE_CHECKING:
    import torch

    from pdm.app.votes import Votes
    from pdm.ui.guard.blocks import GuardedBlocks
    from pdm.ui.shared.opening import Openings

TURN = 25e-6  # seconds until a thread must let others go on, while one paints and another imports; usually 5 ms


def run(
    host: str, port: int, model: str, device: str, votes: Path, assets: Path | None = None, data: Path | None = None
) -> None:
    """Load the model, build the page and serve it until interrupted. Raises ValueError or OSError in one line."""
    check_address(host, port)
    past_proxies(host)
    with own_files() as said:
        if said:
            print(f"app.py: {said}", file=sys.stderr, flush=True)
        _run(host, port, model, device, votes, assets, data)


def _run(host: str, port: int, model: str, device: str, votes: Path, assets: Path | None, data: Path | None) -> None:
    import_diffusers()
    from pdm.support.device import fastest_dtype, pick_device

    if data is not None and not data.is_dir():
        raise ValueError(f"--data: expected a folder of data sets, got {str(data)!r}")
    kept = _votes(votes)  # before anything paints
    where = pick_device(device)
    dtype = fastest_dtype(where)
    with _short_turns():
        openings = _opened(model, where, dtype, assets, data)
        import_gradio()  # while the first model paints
        blocks = _built(openings, f"{_device_text(where)}, {str(dtype).removeprefix('torch.')}", kept)
    _serve(blocks, host, port)


def _opened(model: str, device: torch.device, dtype: torch.dtype, assets: Path | None, data: Path | None) -> Openings:
    """The models, of which the first one is loaded and has begun to paint what the page opens with."""
    from pdm.app.library import Library
    from pdm.support.paths import ASSETS
    from pdm.ui.shared.opening import Openings

    library = Library(model, device=device, dtype=dtype, assets=assets or ASSETS, data=data)
    if data is not None:  # now, not when a visitor first opens the model: it takes a minute, and once only
        library.show_given(lambda name, what: print(f"{name}: {what}", flush=True))
    openings = Openings(library)
    library.get()  # here, not in the thread: while Gradio is imported, it would wait for what that imports as well
    openings.begin(model)
    return openings


def _built(openings: Openings, device_text: str, votes: Votes) -> GuardedBlocks:
    import gradio as gr

    from pdm.app.refit import sweep_folders
    from pdm.ui import page
    from pdm.ui.components.map_view import served_files
    from pdm.ui.components.model_cards import cards

    library = openings.library
    sweep_folders()
    gr.set_static_paths([*served_files()])
    with _no_routes_yet():
        blocks = page.build(library, device_text, votes, openings)
    # The cards' pictures come with the visit: by then they are cut out of the maps, which takes a second.
    threading.Thread(target=cards, args=(library, library.default), daemon=True).start()
    return blocks


def _serve(blocks: GuardedBlocks, host: str, port: int) -> None:
    """Serve the page until interrupted; raises OSError where the port is taken."""
    from pdm.ui import page
    from pdm.ui.guard.settings import launch_options

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


@contextmanager
def _short_turns() -> Iterator[None]:
    """Threads take turns more often: one that paints asks for its turn thousands of times a second."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


@contextmanager
def _no_routes_yet() -> Iterator[None]:
    """Blocks that are built here make the server's routes when they are launched, not three times before as well."""
    from gradio.routes import App

    make = App.create_app
    setattr(App, "create_app", staticmethod(lambda *args, **kwargs: None))  # noqa: B010 - a type checker knows better
    try:
        yield
    finally:
        setattr(App, "create_app", staticmethod(make))  # noqa: B010


def _votes(path: Path) -> Votes:
    """In a file; on a Space whose owner named a data set (VOTES_REPO) and gave a token (HF_TOKEN), there as well."""
    from pdm.app.votes import Votes
    from pdm.app.votes_hub import kept_on_hub

    repo, token = os.environ.get("VOTES_REPO"), os.environ.get("HF_TOKEN")
    try:
        return kept_on_hub(path, repo, token)[0] if repo and token else Votes(path)
    except ValueError as error:
        raise ValueError(f"{error}; another file may be named with --votes") from error


def _device_text(device: torch.device) -> str:
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{threads} CPU core{'s' if threads > 1 else ''}" if device.type == "cpu" else "Apple GPU"
