"""From options to a running server, with as little imported before its first answer as that needs."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pdm.support.allocator import keep_little
from pdm.support.lean_imports import import_diffusers, import_gradio
from pdm.support.machine import check_address, own_files, past_proxies

if TYPE_CHECKING:
    import torch

    from pdm.app.votes import Votes
    from pdm.ui.guard.blocks import GuardedBlocks
    from pdm.ui.shared.opening import Openings

READ_ONLY = "read-only: no uploads, no votes"  # on the page
FILM = 2.0  # seconds from the start until what moves at first is painted, unless a visitor came for it before
SETTLED = 4.0  # seconds from the start until the first canvas is painted: who waits for the page comes first
TURN = 25e-6  # seconds until a thread must let others go on, while one paints and another imports; usually 5 ms


def run(
    host: str,
    port: int,
    model: str | None,
    device: str,
    votes: Path | None,
    assets: Path | None = None,
    data: Path | None = None,
    auth: str | None = None,
    read_only: bool = False,
    mcp: bool = False,
    train: bool | None = None,
) -> None:
    """Load the model, build the page and serve it until asked to end. Raises ValueError or OSError in one line.

    model: None is the first that there is. votes: None is `default_votes()`. auth: as `accounts` reads it.
    read_only: no uploads, no votes. mcp: the public endpoints are tools of an MCP server, too. train: as
    `training_wanted` reads it.
    """
    check_address(host, port)
    past_proxies(host)
    with own_files():
        _run(host, port, model, device, votes, assets, data, auth, read_only, mcp, train)


def _run(
    host: str,
    port: int,
    model: str | None,
    device: str,
    votes: Path | None,
    assets: Path | None,
    data: Path | None,
    auth: str | None,
    read_only: bool,
    mcp: bool,
    train: bool | None,
) -> None:
    keep_little()
    import_diffusers()
    from pdm.app.work_log import written
    from pdm.data.sources import is_name
    from pdm.support.device import fastest_dtype, pick_device
    from pdm.ui.guard.login import accounts
    from pdm.ui.train.allowed import training_wanted

    training = training_wanted(host, train, read_only=read_only)
    if data is not None and not data.exists() and not is_name(str(data)):
        raise ValueError(f"--data: expected a folder of data sets, a data set or a hub id, got {str(data)!r}")
    _check_mcp(mcp, auth)
    logins = None if auth is None else accounts(auth)
    kept = _votes(votes or default_votes(), read_only)  # before anything paints
    where = pick_device(device)
    dtype = fastest_dtype(where)
    with written():
        with _short_turns():
            openings = _opened(model, where, dtype, assets, data)
            import_gradio()  # while the first model paints
            text = f"{_device_text(where)}, {str(dtype).removeprefix('torch.')}"
            blocks = _built(
                openings, f"{text} · {READ_ONLY}" if read_only else text, kept, read_only, training, bool(train)
            )
        _serve(blocks, host, port, logins, openings, read_only=read_only, mcp=mcp, training=training)


def default_votes() -> Path:
    """Where votes are kept: beside the code, but on a Space where its owner's code ends, in the cache."""
    from pdm.support.files import CACHE_FOLDER

    return CACHE_FOLDER / "votes.sqlite" if os.environ.get("SPACE_ID") else Path("runs/votes.sqlite")


def _check_mcp(mcp: bool, auth: str | None) -> None:
    if mcp and auth is not None:
        raise ValueError("--mcp: expected it without --auth, which that door does not ask for, got both")
    if mcp and find_spec("mcp") is None:
        raise ValueError("--mcp: expected the package mcp, got none installed; pip install 'mcp>=1.21,<2'")


def _opened(
    model: str | None, device: torch.device, dtype: torch.dtype, assets: Path | None, data: Path | None
) -> Openings:
    """The models, of which the first one is loaded and has begun to paint what the page opens with."""
    from pdm.app.library import Library, first_model
    from pdm.support.paths import ASSETS
    from pdm.ui.shared.opening import Openings

    model = model or first_model(assets or ASSETS)
    library = Library(model, device=device, dtype=dtype, assets=assets or ASSETS, data=data)
    if data is not None:  # now, not when a visitor first opens the model: it takes a minute, and once only
        library.show_given(lambda name, what: print(f"{name}: {what}", flush=True))
    if (
        device.type == "cuda" and find_spec("spaces") is not None
    ):  # on ZeroGPU: its workers have what there was when the app began to serve
        for name in library.names:
            library.get(name)
    openings = Openings(library)
    library.get()  # here, not in the thread: while Gradio is imported, it would wait for what that imports as well
    openings.begin(model)
    return openings


def _built(
    openings: Openings, device_text: str, votes: Votes, read_only: bool, training: bool, from_afar: bool
) -> GuardedBlocks:
    import gradio as gr

    from pdm.app.refit import sweep_folders
    from pdm.making.runs import Runs
    from pdm.ui import page
    from pdm.ui.components.map_view import served_files
    from pdm.ui.components.model_cards import cards
    from pdm.ui.words.catalogues import CATALOGUES

    library = openings.library
    sweep_folders()
    gr.set_static_paths([*served_files(library.assets), *CATALOGUES])
    runs = Runs(library.assets) if training else None
    with _no_routes_yet():
        blocks = page.build(library, device_text, votes, openings, read_only=read_only, runs=runs, from_afar=from_afar)
    # The cards' pictures come with the visit: by then they are cut out of the maps, which takes a second.
    threading.Thread(target=cards, args=(library, library.default), daemon=True).start()
    return blocks


def _serve(
    blocks: GuardedBlocks,
    host: str,
    port: int,
    logins: list[tuple[str, str]] | None,
    openings: Openings,
    *,
    read_only: bool,
    mcp: bool,
    training: bool,
) -> None:
    """Serve the page until asked to end; raises OSError where the port is taken."""
    from pdm.ui import page
    from pdm.ui.guard.ending import serve_until_asked
    from pdm.ui.guard.settings import launch_options

    def launch() -> None:
        blocks.launch(
            server_name=host,
            server_port=port,
            theme=page.theme(),
            css=page.css(),
            footer_links=["api", "settings"],
            ssr_mode=False,
            show_error=True,
            prevent_thread_lock=True,
            auth=logins,
            **launch_options(blocks, host, read_only=read_only, mcp=mcp, training=training),
        )
        for work, seconds in ((openings.film, FILM), (openings.paint_canvas, SETTLED)):
            later = threading.Timer(seconds, work, (openings.library.default,))
            later.daemon = True
            later.start()

    try:
        serve_until_asked(blocks, launch)
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


def _votes(path: Path, read_only: bool) -> Votes:
    """In a file; on a Space whose owner named a data set (VOTES_REPO) and gave a token (HF_TOKEN), there as well."""
    from pdm.app.votes import Votes
    from pdm.app.votes_closed import ClosedVotes
    from pdm.app.votes_hub import kept_on_hub

    if read_only:
        return ClosedVotes(path)
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
    return f"{threads} CPU {'cores' if threads > 1 else 'core'}" if device.type == "cpu" else "Apple GPU"
