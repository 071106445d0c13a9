"""What each method must keep beside the network, in bytes."""

from __future__ import annotations

from collections.abc import Collection

from pdm.app.studio import Studio
from pdm.methods import METHODS


def bytes_kept(studio: Studio, methods: Collection[str] = ("pdm", "rdm")) -> dict[str, dict[str, int]]:
    """method -> {"disk", "RAM"} for those that the model has: prototypes and their table; memory and index; nothing."""
    kept = {}
    for method in (m for m in studio.methods if m in methods and METHODS[m].conditioned):
        if METHODS[method].retrieves:
            memory = studio.pipeline(method).memory
            kept[method] = {"disk": memory.bytes_on_disk(), "RAM": memory.bytes_in_ram()}
        else:
            own = studio.pipeline(method).bank.bytes_kept
            kept[method] = {"disk": own, "RAM": own}
    return kept
