"""Under which names the app is served: a page of another name that leads here (DNS rebinding) gets nothing."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterable

HOSTS = "PDM_HOSTS"  # further names, with commas between; "*.example.org" stands for all below it
HUB = ("*.hf.space",)
HERE = ("localhost", "127.0.0.1", "[::1]")


class Hosts:
    """The names that the app answers to."""

    def __init__(self, names: Iterable[str], *, any_address: bool = False):
        """any_address: answer to every IP address, which nobody can make lead elsewhere."""
        self.names, self.any_address = {name.strip().lower() for name in names if name.strip()}, any_address

    def serves(self, host: str) -> bool:
        """Whether a Host header, or the host of an Origin, is one of ours; its port does not matter."""
        name = without_port(host.strip().lower()).removesuffix(".")
        if name in self.names or any(n.startswith("*.") and name.endswith(n[1:]) for n in self.names):
            return True
        return self.any_address and _is_address(name)

    def serves_origin(self, origin: str) -> bool:
        scheme, found, host = origin.partition("://")
        return bool(found) and scheme in ("http", "https") and self.serves(host)


def served_hosts(bound: str) -> Hosts:
    """Those of an app bound to this address or name, of the hub, and of the environment variable PDM_HOSTS."""
    named = os.environ.get(HOSTS, "").split(",")
    space = os.environ.get("SPACE_HOST", "").split(",")
    everywhere = bound in ("0.0.0.0", "::", "")
    own = [socket.gethostname()] if everywhere else [f"[{bound}]" if ":" in bound else bound]
    return Hosts([*HERE, *HUB, *own, *named, *space], any_address=everywhere)


def without_port(host: str) -> str:
    """The name or address; that of an IPv6 address keeps its brackets."""
    if host.startswith("["):
        return host[: host.find("]") + 1]
    return host.rsplit(":", 1)[0] if host.count(":") == 1 else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
        return True
    except ValueError:
        return False
