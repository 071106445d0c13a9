"""What a comparison shows, and what each of its methods costs, as bars."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pdm.app.costs import bytes_kept
from pdm.app.studio import Studio
from pdm.methods import METHODS
from pdm.ui.shared.session import Batch
from pdm.ui.shared.wording import COLOURS, SHORT_NAMES, bars, count_of, heading, milliseconds, painter, size


@dataclass(frozen=True)
class Shown:
    """What a column has painted."""

    way: str
    batch: Batch

    @property
    def label(self) -> str:
        request = self.batch.request
        return f"{SHORT_NAMES[request.method]}{painter(request.sampler)}, {count_of(request.steps, 'step')}"


def time_bars(shown: Sequence[Shown]) -> str:
    """Milliseconds of the comparison that was just made."""
    rows = []
    for one in shown:
        batch, colour = one.batch, COLOURS[one.batch.request.method]
        rows.append((f"{one.label}: condition", batch.find_ms, milliseconds(batch.find_ms), colour))
        rows.append((f"{one.label}: denoising", batch.denoise_ms, milliseconds(batch.denoise_ms), colour))
    return heading("Time", f"Measured just now, for {len(shown[0].batch)} pictures each.") + bars(rows)


def cost_bars(studio: Studio, methods: Collection[str] = ("pdm", "rdm")) -> str:
    """What each of these methods must keep beside the network, and how many images its net saw."""
    return size_bars(studio, methods) + seen_bars(studio, methods)


def size_bars(studio: Studio, methods: Collection[str]) -> str:
    rows = [
        (f"{SHORT_NAMES[method]}, {where}", float(count), size(count), COLOURS[method])
        for method, kept in bytes_kept(studio, methods).items()
        for where, count in kept.items()
    ]
    return heading("Memory needed", "Beside the network itself.") + bars(rows)


def seen_bars(studio: Studio, methods: Collection[str]) -> str:
    """How many images each method's net was trained on. Methods whose card does not say so are left out.

    A model without a net for "unconditional" uses the null branch of PDM's net.
    """
    nets = {m: "pdm" if m == "unconditional" and m not in studio.others else m for m in methods}
    seen = {m: studio.images_seen[nets[m]] for m in METHODS if m in nets and nets[m] in studio.images_seen}
    rows = [(SHORT_NAMES[m], float(count), f"{count:,}", COLOURS[m]) for m, count in seen.items()]
    return heading("What its net was trained on", "Images, repeats counted.") + bars(rows) if rows else ""
