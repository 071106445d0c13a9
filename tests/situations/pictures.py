"""Pictures as people have them, for the situations: small, different from each other, in every kind of place."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from pdm.data.images import ImageData
from pdm.data.load import load


def picture(shade: int, mode: str = "L", size: tuple[int, int] = (12, 12)) -> Image.Image:
    """A picture that no other shade gives: its shade, and a corner that counts."""
    array = np.full((size[1], size[0]), 40 + shade % 200, np.uint8)
    array[:2, :2] = shade // 200
    return Image.fromarray(array).convert(mode)


def save(path: Path, shade: int = 0, mode: str = "L", **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(shade, mode).save(path, **options)
    return path


def folder_of(folder: Path, counts: dict[str, int], start: int = 0, mode: str = "L") -> Path:
    """So many different pictures in each of these folders."""
    for name, n in counts.items():
        for _ in range(n):
            save(folder / name / f"{start:04d}.png", start, mode)
            start += 1
    return folder


def encoded(shade: int, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    picture(shade).save(file, kind, **options)
    return file.getvalue()


def parquet(path: Path, column: list, labels: list | None = None, name: str = "image") -> Path:
    """A Parquet file of pictures as bytes or structs, without what the hub's own say of their columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {name: column} | ({} if labels is None else {"label": labels})
    pq.write_table(pa.table(columns), path)
    return path


def zipped(folder: Path, path: Path, extra: dict[str, bytes] | None = None) -> Path:
    """A zip of a folder, the folder's own name in it, as a desktop makes it."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(file, file.relative_to(folder.parent))
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return path


def read(source: Path, split: str = "train", **options) -> ImageData:
    return load(str(source), split, **{"size": 12, **options})


def rows(data: ImageData) -> list[tuple[str, bytes]]:
    """Class and pixels of each image, in an order that does not depend on the source's."""
    names = (*data.class_names, "")
    return sorted((names[label], x.numpy().tobytes()) for x, label in zip(data.images, data.labels, strict=True))


def per_class(data: ImageData) -> dict[str, int]:
    assert data.found is not None
    return data.found.classes
