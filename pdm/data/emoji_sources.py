"""What the packages that the emoji data set is made of hold: a catalogue of emoji, and their pictures by codepoints."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

TONED = 0.15  # share of the pictures in a skin tone that are kept, or hands and people would outweigh the rest
GROUPS = (
    "Smileys & Emotion",
    "People & Body",
    "Animals & Nature",
    "Food & Drink",
    "Travel & Places",
    "Activities",
    "Objects",
    "Symbols",
)
TONES = {
    "1F3FB": "light",
    "1F3FC": "medium-light",
    "1F3FD": "medium",
    "1F3FE": "medium-dark",
    "1F3FF": "dark",
}

Codepoints = tuple[int, ...]  # without the variation selector, which the packages write or leave out as they please


@dataclass(frozen=True)
class Emoji:
    """One emoji of the catalogue."""

    codepoints: Codepoints
    name: str
    group: str

    @property
    def code(self) -> str:
        return "-".join(f"{point:x}" for point in self.codepoints)


def share(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def codepoints(name: str) -> Codepoints:
    """The numbers in a name like 1F636-200D-1F32B-FE0F, without FE0F; raises ValueError for other names."""
    return tuple(point for point in (int(part, 16) for part in name.split("-")) if point != 0xFE0F)


def catalogue(twemoji: Path) -> list[Emoji]:
    """All emoji but flags and bare skin tones, and the few in a skin tone that are kept."""
    entries = json.loads((twemoji / "emoji.json").read_text())
    found = []
    for entry in entries:
        if entry["category"] not in GROUPS:
            continue
        name = entry["name"].lower()
        found.append(Emoji(codepoints(entry["unified"]), name, entry["category"]))
        for tones, variation in entry.get("skin_variations", {}).items():
            toned = f"{name}, {' and '.join(TONES[tone] for tone in tones.split('-'))} skin tone"
            if share(toned) < TONED:
                found.append(Emoji(codepoints(variation["unified"]), toned, entry["category"]))
    return found


def from_files(folder: Path, suffix: str) -> dict[Codepoints, Path]:
    """Picture files that are named by their codepoints; others are passed over. Raises ValueError where none is."""
    files = {}
    for path in sorted(folder.glob(f"*{suffix}")):
        try:
            files[codepoints(path.stem)] = path
        except ValueError:
            continue
    if not files:
        raise ValueError(f"{folder}: expected pictures that are named by codepoints, 1f600{suffix}, got none")
    return files


class NotoFont:
    """The pictures (136 x 128) inside Noto Color Emoji: table CBDT, found by cmap and by the ligatures of GSUB.

    Raises ValueError where fonttools, which reads fonts, is not installed.
    """

    def __init__(self, path: Path):
        try:
            from fontTools.ttLib import TTFont  # pyright: ignore[reportMissingImports]  # needed for this set alone
        except ImportError as error:
            raise ValueError(
                "emoji: expected the package fonttools, which reads the font, but it is not installed; "
                "pip install fonttools"
            ) from error
        font: Any = TTFont(path)
        self.glyphs: dict[int, str] = font.getBestCmap()
        self.pictures: dict[str, Any] = font["CBDT"].strikeData[0]
        tables = [table for lookup in font["GSUB"].table.LookupList.Lookup for table in lookup.SubTable]
        self.ligatures: dict[tuple[str, ...], str] = {
            (first, *each.Component): each.LigGlyph
            for table in tables
            for first, ligatures in getattr(table, "ligatures", {}).items()
            for each in ligatures
        }

    def get(self, points: Codepoints) -> Image.Image | None:
        """The picture of an emoji; None where the font has none."""
        if any(point not in self.glyphs for point in points):
            return None
        names = tuple(self.glyphs[point] for point in points)
        glyph = names[0] if len(names) == 1 else self.ligatures.get(names)
        if glyph is None or glyph not in self.pictures:
            return None
        return Image.open(io.BytesIO(self.pictures[glyph].imageData))
