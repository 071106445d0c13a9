"""The emoji data set, made from installed packages: 64 px on white, eight classes, three styles.

The same packages, with the same Pillow and pyarrow, make the same bytes. What may be done with the pictures stands in
emoji_notice.txt, which goes with the set.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from pdm.data.emoji_sources import GROUPS, NotoFont, catalogue, from_files, share
from pdm.support.files import atomic_file

SIZE = 64
QUALITY = 90  # of WebP: 1.1 KB a picture, where lossless takes 2.7
HELD_OUT = 0.05
STYLES = ("fluent", "noto", "twemoji")
TWEMOJI_SIDE = 58  # its drawings touch the border; the other styles leave three pixels of 64
NOTICE = Path(__file__).with_name("emoji_notice.txt")


def on_white(picture: Image.Image, side: int = SIZE) -> Image.Image:
    """The picture in the middle of a white square of SIZE, its longer side scaled to `side`."""
    picture = picture.convert("RGBA")
    longer = max(picture.size)
    square = Image.new("RGBA", (longer, longer), "white")
    square.alpha_composite(picture, ((longer - picture.width) // 2, (longer - picture.height) // 2))
    scaled = square.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
    whole = Image.new("RGB", (SIZE, SIZE), "white")
    whole.paste(scaled, ((SIZE - side) // 2, (SIZE - side) // 2))
    return whole


def webp(picture: Image.Image) -> bytes:
    with io.BytesIO() as file:
        picture.save(file, "WEBP", quality=QUALITY, method=6)
        return file.getvalue()


def rows(fluent: Path, noto: Path, twemoji: Path) -> Iterator[dict]:
    """A row for each picture: the emoji of the catalogue in each style that has it, equal pictures once."""
    seen: set[bytes] = set()
    drawn, font = from_files(fluent / "assets", ".webp"), NotoFont(noto)
    flat = from_files(twemoji / "img" / "twitter" / str(SIZE), ".png")
    for emoji in catalogue(twemoji):
        points = emoji.codepoints
        found = {"fluent": drawn.get(points), "noto": font.get(points), "twemoji": flat.get(points)}
        for style, source in found.items():
            if source is None:
                continue
            picture = Image.open(source) if isinstance(source, Path) else source
            data = webp(on_white(picture, TWEMOJI_SIDE if style == "twemoji" else SIZE))
            if data in seen:  # emoji that are drawn alike: one held out would be trained on under another name
                continue
            seen.add(data)
            yield {
                "image": {"bytes": data, "path": f"{style}-{emoji.code}.webp"},
                "label": GROUPS.index(emoji.group),
                "style": STYLES.index(style),
                "name": emoji.name,
                "codepoints": emoji.code,
            }


def schema() -> pa.Schema:
    """As `datasets` writes it: what a column is stands in the metadata."""
    features = {
        "image": {"_type": "Image"},
        "label": {"names": list(GROUPS), "_type": "ClassLabel"},
        "style": {"names": list(STYLES), "_type": "ClassLabel"},
        "name": {"dtype": "string", "_type": "Value"},
        "codepoints": {"dtype": "string", "_type": "Value"},
    }
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    kinds = {"Image": image, "ClassLabel": pa.int64(), "Value": pa.string()}
    fields = [(name, kinds[feature["_type"]]) for name, feature in features.items()]
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def make(fluent: Path, noto: Path, twemoji: Path, out: Path) -> dict[str, int]:
    """Write both splits and the notice into the folder `out`; returns the splits' sizes.

    `fluent` and `twemoji` are the folders of two npm packages, `noto` is a font's file (`python -m pdm data --help`).
    A picture is held out by the hash of its style and emoji: the same emoji in another style may be trained on.
    Raises ValueError where a package is missing.
    """
    for what, path in (("fluent", fluent), ("noto", noto), ("twemoji", twemoji)):
        if not path.exists():
            raise ValueError(f"emoji: expected the source of style {what} at {path}, got nothing there")
    mixed = sorted(rows(fluent, noto, twemoji), key=lambda row: share(row["image"]["path"]))
    held_out = [share(f"test {row['image']['path']}") < HELD_OUT for row in mixed]
    splits = {
        "train": [row for row, out_of_it in zip(mixed, held_out, strict=True) if not out_of_it],
        "test": [row for row, out_of_it in zip(mixed, held_out, strict=True) if out_of_it],
    }
    out.mkdir(parents=True, exist_ok=True)
    for split, members in splits.items():
        with atomic_file(out / f"{split}-00000-of-00001.parquet") as part:
            pq.write_table(pa.Table.from_pylist(members, schema()), part, compression="none")  # WebP is packed already
    with atomic_file(out / "NOTICE") as part:
        part.write_bytes(NOTICE.read_bytes())
    return {split: len(members) for split, members in splits.items()}
