"""A grid of pictures over two things that change, one across and one down: what each cell is made of, and the sheet."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace

import torch
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from pdm.app.requests import Request, resolved
from pdm.app.shown_set import ShownSet
from pdm.data.images import to_pil
from pdm.editing.edits import apply
from pdm.pipelines.recipe import PNG_KEY

NOTHING = "Nothing"
PROTOTYPE, WEIGHT, GUIDANCE = "Prototype", "Weight of the first pick", "Guidance"
STEPS, SEED, SAMPLER, STRENGTH = "Steps", "Seed", "Sampler", "Strength"
# What may change along a side, in the order in which a cell takes it: strength and weight are of prototypes.
AXES = (PROTOTYPE, STRENGTH, WEIGHT, GUIDANCE, STEPS, SEED, SAMPLER)
MOST = 8  # values of a side
GRID_KEY = "grid"  # the text chunk of the PNG that says what changes along its sides
CELL, GAP, TEXT = 128, 4, 14  # pixels: of a cell at least, between cells, and of letters
LONGEST = 150  # of a name at the left
INK, PAPER = (39, 39, 42), (255, 255, 255)

Value = int | float | str


def texts_of(text: object) -> list[str]:
    """What was typed, at its commas."""
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else []


def values_of(shown_set: ShownSet, axis: str, text: object) -> list[Value]:
    """The values of a side from what was typed. Raises ValueError for those that it cannot have."""
    if axis == NOTHING:
        return [""]
    if axis not in AXES:
        raise ValueError(f"side: expected one of {', '.join(AXES)}, got another")
    parts = texts_of(text)
    if not 1 <= len(parts) <= MOST:
        raise ValueError(f"{axis}: expected 1 to {MOST} values with commas between, got {len(parts)}")
    if axis == SAMPLER:
        return [*parts]
    if axis == PROTOTYPE:
        ids = {name: k for k, name in shown_set.names.items()}
        return [shown_set.check([ids[p] if p in ids else int(p) if p.isdecimal() else p])[0] for p in parts]
    try:
        return [int(part) if axis in (STEPS, SEED) else float(part) for part in parts]
    except ValueError:
        raise ValueError(f"{axis}: expected numbers with commas between, got others") from None


def cell(shown_set: ShownSet, request: Request, sides: Sequence[tuple[str, Value]]) -> Request:
    """The request of one picture, resolved. Raises ValueError for values that it cannot have."""
    chosen = tuple(dict.fromkeys(int(value) for axis, value in sides if axis == PROTOTYPE))
    if chosen:
        request = replace(request, prototypes=chosen, weights=())
    for axis, value in sorted(sides, key=lambda side: AXES.index(side[0]) if side[0] in AXES else 0):
        if axis in (WEIGHT, STRENGTH):
            request = _of_first(shown_set, request, axis, float(value))
        elif axis in (GUIDANCE, STEPS, SEED, SAMPLER):
            request = replace(request, **{axis.lower(): value})
    return resolved(shown_set.studio, request)


def _of_first(shown_set: ShownSet, request: Request, axis: str, value: float) -> Request:
    """With another weight or strength of the first prototype."""
    needed = 2 if axis == WEIGHT else 1
    if len(request.prototypes) < needed:
        raise ValueError(f"{axis}: expected {needed} or more prototypes to be picked, got {len(request.prototypes)}")
    if axis == STRENGTH:
        given = {"id": request.prototypes[0], "value": value}
        before = request.prototype_set or shown_set.studio.base
        return replace(request, prototype_set=apply(before, "scale", given, shown_set.edit_context)[0])
    if not 0 <= value <= 1:
        raise ValueError(f"{axis}: expected numbers from 0 to 1, got another")
    rest = request.weights[1:] or (1.0,) * (len(request.prototypes) - 1)
    return replace(request, weights=(value, *(w * (1 - value) / sum(rest) for w in rest)))


def label(shown_set: ShownSet, axis: str, value: Value) -> str:
    """What a row or a column is called."""
    if axis == PROTOTYPE:
        return shown_set.names[int(value)]
    return f"{value:g}" if isinstance(value, float) else str(value)


def sheet(
    images: Sequence[torch.Tensor], columns: Sequence[str], rows: Sequence[str], title: str, recipe: str, grid: dict
) -> bytes:
    """A PNG of the cells, uint8 (C, H, W) each, row by row, what is not there left empty, with names and recipe."""
    font, side = ImageFont.load_default(TEXT), images[0].shape[-1] * -(-CELL // images[0].shape[-1])
    left = min(LONGEST, max(int(font.getlength(row)) for row in rows)) + 5 * GAP
    top, step = 2 * TEXT + 6 * GAP, side + GAP
    width = max(left + len(columns) * step, int(font.getlength(title)) + 5 * GAP)
    page = Image.new("RGB", (width, top + len(rows) * step), PAPER)
    draw = ImageDraw.Draw(page)
    draw.text((2 * GAP, GAP), title, INK, font)
    for i, name in enumerate(columns):
        draw.text((left + i * step, top - TEXT - 2 * GAP), _cut(name, font, side), INK, font)
    for i, name in enumerate(rows):
        draw.text((2 * GAP, top + i * step + (side - TEXT) // 2), _cut(name, font, left - 5 * GAP), INK, font)
    for i, image in enumerate(images):
        large = to_pil(image).convert("RGB").resize((side, side), Image.Resampling.NEAREST)
        page.paste(large, (left + i % len(columns) * step, top + i // len(columns) * step))
    info, buffer = PngInfo(), io.BytesIO()
    info.add_text(PNG_KEY, recipe)
    info.add_text(GRID_KEY, json.dumps(grid))
    page.save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def _cut(text: str, font, width: int) -> str:
    """As much of a name as there is room for."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."
