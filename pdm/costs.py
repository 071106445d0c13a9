"""What each method must keep beside the network, in bytes."""

from __future__ import annotations

from pdm.studio import Studio


def bytes_kept(studio: Studio) -> dict[str, dict[str, int]]:
    """method -> {"disk", "RAM"}: prototypes and their table; memory and index; nothing."""
    own = studio.pdm.bank.bytes_kept
    kept = {"pdm": {"disk": own, "RAM": own}}
    if studio.rdm:
        kept["rdm"] = {"disk": studio.rdm.memory.bytes_on_disk(), "RAM": studio.rdm.memory.bytes_in_ram()}
    return kept
