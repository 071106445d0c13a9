"""The batches of a visit as the browser keeps them: recipes and small pictures. Reading trusts nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from PIL import Image

from pdm.app.library import Library
from pdm.app.requests import Request, resolved
from pdm.app.studio import Studio
from pdm.editing.prototype_set import PrototypeSet
from pdm.editing.set_file import from_delta, to_delta
from pdm.support.checks import expect, is_number, is_whole
from pdm.ui.shared.session import MAX_BATCHES, Batch, BatchHistory
from pdm.ui.shared.sheets import packed_sheet, unpacked_sheet

KEPT = 300_000  # characters of JSON of all batches
WHOLE = 200_000  # of those that keep all their pictures; the others keep the first, and are painted again when wanted
SAME = "same"  # instead of a set: that of the batch before, of the same model
ASKED = ("count", "seed", "steps", "guidance", "sampler")


def to_keep(library: Library, made: BatchHistory, room: int | None = None) -> list:
    """What the browser keeps, newest first: the shown batch with all its pictures, others so while there is room.

    room: characters of JSON of all of them, `KEPT` unless told.
    """
    whole, kept, left, sets = _kept_whole(made), [], KEPT if room is None else room, {}
    for i, batch in enumerate(() if made.opening else made.batches):
        values = _packed(library.get(batch.model), batch, i in whole) | {"shown": i == made.shown}
        if values["set"] is not None and sets.get(batch.model) == batch.request.prototype_set:
            values["set"] = SAME
        sets[batch.model] = batch.request.prototype_set
        left -= _size(values)
        if left < 0:
            return kept
        kept.append(values)
    for row in made.unread[: MAX_BATCHES - len(kept)]:
        left -= _size(row)
        if left >= 0:
            kept.append(row)
    return kept


def _kept_whole(made: BatchHistory) -> set[int]:
    """The places of the batches that keep all their pictures: the shown one first, then the newest."""
    whole, room = set(), WHOLE
    for i in sorted(range(len(made.batches)), key=lambda i: (i != made.shown, i)):
        batch = made.batches[i]
        if batch.whole and len(batch.sheet) <= room:
            whole.add(i)
            room -= len(batch.sheet)
    return whole


def from_kept(library: Library, kept: object, studio: Studio) -> BatchHistory:
    """The inverse of `to_keep` for the batches of `studio`, which is shown; those of other models stay unread.

    What is none, is of a model with other weights, or does not fit it, is left out.
    """
    rows = kept[:MAX_BATCHES] if isinstance(kept, list) else []
    known = [row for row in rows if isinstance(row, dict) and isinstance(row.get("model"), str)]
    known = [row for row in known if row["model"] in library.names]
    return read_of(BatchHistory(unread=tuple(known)), studio)


def read_of(made: BatchHistory, studio: Studio) -> BatchHistory:
    """With the batches of a model that is there now: they come after those of the visit, which are newer."""
    mine = [row for row in made.unread if isinstance(row, dict) and row.get("model") == studio.name]
    if not mine:
        return made
    found, shown, edited = [], 0, None
    for row in mine:
        try:
            edited = edited if row["set"] == SAME else _set_of(studio, row["set"])
            batch = _unpacked(studio, row, edited)
        except (ValueError, TypeError, LookupError, OSError, Image.DecompressionBombError):
            continue
        shown = len(found) if row.get("shown") is True else shown
        found.append(batch)
    if not found:
        return replace(made, unread=tuple(row for row in made.unread if row not in mine))
    before = () if made.opening else made.batches
    return BatchHistory(
        (*before, *found)[:MAX_BATCHES],
        made.shown if before else shown,
        unread=tuple(row for row in made.unread if row not in mine),
    )


def _packed(studio: Studio, batch: Batch, whole: bool) -> dict:
    request, edited = batch.request, batch.request.prototype_set
    return {
        "model": batch.model,
        "hash": studio.base.model_hash,
        **{field: getattr(request, field) for field in ASKED},
        "prototypes": list(request.prototypes),
        "weights": list(request.weights),
        "set": None if edited is None else to_delta(edited, studio.base),
        "pictures": batch.sheet if whole else packed_sheet(batch.images[:1]),
        "evidence": [[[k, v] for k, v in row] for row in batch.evidence[: None if whole else 1]],
        "ms": [round(batch.find_ms, 1), round(batch.denoise_ms, 1)],
    }


def _set_of(studio: Studio, values: object) -> PrototypeSet | None:
    return None if values is None else from_delta(values, studio.base)


def _unpacked(studio: Studio, row: dict, edited: PrototypeSet | None) -> Batch:
    """One batch; raises ValueError and others for anything that is none of this very model."""
    expect("hash", row["hash"], "the model's", row["hash"] == studio.base.model_hash)
    asked = {field: row[field] for field in ASKED}
    mix = {"prototypes": tuple(row["prototypes"]), "weights": tuple(row["weights"])}
    request = resolved(studio, Request(**mix, prototype_set=edited, **asked))
    evidence = tuple(tuple(_pairs(edited or studio.base, line)) for line in row["evidence"])
    expect("evidence", len(evidence), "one for each picture", len(evidence) in (1, request.count))
    find, denoise = row["ms"]
    for value in (find, denoise):
        expect("ms", value, "a number from 0", is_number(value, 0))
    config = studio.pdm.denoiser.config
    images = unpacked_sheet(row["pictures"], len(evidence), config.image_size, config.channels)
    return Batch(studio.name, request, images, evidence, float(find), float(denoise))


def _pairs(prototypes: PrototypeSet, line: list) -> Iterator[tuple[int, float]]:
    for k, value in line:
        expect("evidence", k, "an id of the set", is_whole(k, 0) and k in prototypes.ids)
        expect("evidence", value, "a finite number", is_number(value))
        yield k, float(value)


def _size(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":")))
