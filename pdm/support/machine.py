"""What the app needs of the machine it starts on, looked at before anything else: wrong settings are one line."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pdm.support.checks import expect, is_whole
from pdm.support.leftovers import own_folder, sweep

UPLOADS = "GRADIO_TEMP_DIR"  # of the environment: where Gradio keeps uploads and what is to be downloaded
PREFIX = "pdm-files-"  # of a folder of our own for these, among the temporary ones


def check_address(host: str, port: int) -> None:
    """Raise ValueError, or OSError for a port in use, unless an app can listen there."""
    expect("port", port, "a whole number from 1 to 65535", is_whole(port, 1, 65535))
    expected = f"host: expected a name or address of this machine, got {host!r}"
    try:
        places = socket.getaddrinfo(host.strip("[]") or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{expected}; choose another with --host") from error
    family, kind, protocol, _, place = places[0]
    try:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OSError(f"port {port}: expected a free one, got one in use; choose another with --port") from error
        if error.errno == errno.EACCES:
            raise ValueError(f"port {port}: expected one that this user may open; choose one from 1024 on") from error
        raise ValueError(f"{expected}; choose another with --host") from error


def past_proxies(host: str) -> None:
    """Let the app reach itself directly, as Gradio does at its start, whatever proxy the environment names."""
    name = next((n for n in ("no_proxy", "NO_PROXY") if os.environ.get(n)), "no_proxy")
    known = [part for part in os.environ.get(name, "").split(",") if part]
    own = [h for h in ("localhost", "127.0.0.1", "::1", host.strip("[]")) if h]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(dict.fromkeys([*known, *own]))


@contextmanager
def own_files() -> Iterator[None]:
    """Give Gradio a folder for uploads that is this app's alone, inside the temporary one; it is removed afterwards.

    In one that apps share, the app that ends removes the files that another one shows. Raises OSError where there is
    none to be had.
    """
    try:
        named = os.environ.get(UPLOADS)
        places = Path(named or tempfile.gettempdir())
    except FileNotFoundError as error:
        raise OSError("temporary folder: expected one that can be written, got none; name one with TMPDIR") from error
    if not writable(places):
        raise OSError(f"{UPLOADS}: expected a folder that can be written, got {str(places)!r}")
    sweep(places, PREFIX)
    with own_folder(places, PREFIX) as folder:
        os.environ[UPLOADS] = str(folder.resolve())
        try:
            yield
        finally:
            del os.environ[UPLOADS]
            if named:
                os.environ[UPLOADS] = named


def writable(folder: Path) -> bool:
    """Whether a folder is there, or can be made, and takes files."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
