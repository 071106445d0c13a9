"""Who may train: those at this machine. The tab reads any folder of it that is named, and works for hours."""

from __future__ import annotations

import ipaddress
import os

OUTSIDE = ("SPACE_ID", "PDM_PROXIES", "PDM_HOSTS", "GRADIO_ROOT_PATH")  # set where strangers come through something
FORWARDED = ("x-forwarded-for", "x-forwarded-host", "forwarded", "x-real-ip", "via")


def training_wanted(host: str, asked: bool | None, *, read_only: bool = False) -> bool:
    """Whether the app has the Train tab. `asked`: True for --train, False for --no-train, None for neither.

    Where neither is given: if it listens on a loopback address, and nothing says that others are led to it. Raises
    ValueError for --train on a Space or beside --read-only.
    """
    on_space = bool(os.environ.get("SPACE_ID"))
    if asked and (read_only or on_space):
        raise ValueError(f"--train: expected it neither {'on a Space' if on_space else 'beside --read-only'}, got both")
    if asked is not None or read_only or on_space:
        return bool(asked)
    return is_loopback(host) and not any(os.environ.get(name) for name in OUTSIDE)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address of this name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_near(headers: dict[str, str] | None) -> None:
    """Raise ValueError for a request that a server in front of the app passed on."""
    if any(name.lower() in FORWARDED for name in headers or ()):
        raise ValueError("train: expected somebody at this machine, got a request from elsewhere")
