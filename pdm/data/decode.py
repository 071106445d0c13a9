"""One picture from a file or from bytes, decoded: every source's pictures go through here."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from pdm.data import images
from pdm.support.checks import reason
from pdm.support.files import check_regular

SUFFIXES = {
    ".png", ".jpg", ".jpeg", ".jfif", ".jpe", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif",
}  # fmt: skip
MAX_PHOTO = 120_000_000  # pixels of a JPEG, which can be decoded at a part of its size
SCALES = (1, 2, 4, 8)  # what a JPEG may be divided by
HEIC = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}  # brands in the first bytes of the file
LARGEST_FILE = 200_000_000  # bytes of a picture in an archive


def open_picture(source: Path | bytes, where: str | None = None, size: int | None = None) -> Image.Image:
    """A decoded picture; raises ValueError, which names it, for one that is no image or too large.

    `where` is how a message names it (a path as it is); `size`: the side that will be made of it, so that a photo can
    be decoded smaller. The error's cause gives the reason alone, for a message that names the file in its own way.
    """
    with refused_when_huge():
        return decoded(source, where or str(source), size)[0]


def decoded(source: Path | bytes, where: str, size: int | None = None) -> tuple[Image.Image, tuple[int, int]]:
    """The same with the (width, height) of the whole picture; inside `refused_when_huge`, in any thread."""
    try:
        if isinstance(source, Path):
            check_regular(source)
        _register_heic(source)
        with Image.open(source if isinstance(source, Path) else io.BytesIO(source)) as image:
            whole = image.size
            _reduce(image, size)
            _check_pixels(image, whole, where)
            image.load()
            return image.copy(), whole
    except (ValueError, MemoryError) as error:
        if str(error).startswith(where):
            raise
        raise ValueError(f"{where}: expected an image, got {reason(error)}") from error
    except Exception as error:  # of a damaged file Pillow's readers raise anything
        said = reason(error).partition(" <_io.")[0]  # it names bytes by where they lie in memory
        raise ValueError(f"{where}: expected an image, got {said}") from error


def _reduce(image: Image.Image, size: int | None) -> None:
    """Have a JPEG decoded no larger than it may be, and with at least twice the side that will be made of it."""
    width, height = image.size
    if image.format not in ("JPEG", "MPO") or width * height > MAX_PHOTO:
        return
    allowed = [scale for scale in SCALES if (width // scale) * (height // scale) <= images.MAX_PIXELS]
    enough = [scale for scale in SCALES if size is not None and min(width, height) // scale >= 2 * size]
    scale = max(min(allowed, default=1), max(enough, default=1))
    if scale > 1:
        image.draft(None, (width // scale, height // scale))  # type: ignore[arg-type] - None keeps the mode


def _check_pixels(image: Image.Image, whole: tuple[int, int], where: str) -> None:
    if image.width * image.height > images.MAX_PIXELS:
        found = f"{whole[0]}x{whole[1]}"
        cause = ValueError(f"at most {images.MAX_PIXELS} pixels are allowed, not {found}")
        raise ValueError(f"{where}: expected an image of at most {images.MAX_PIXELS} pixels, got {found}") from cause


def _register_heic(source: Path | bytes) -> None:
    """Let Pillow read HEIC through an optional package; raises ValueError that names it where it is missing."""
    if isinstance(source, Path):
        if source.suffix.lower() not in (".heic", ".heif"):
            return
    elif source[4:8] != b"ftyp" or source[8:12] not in HEIC:
        return
    if find_spec("pillow_heif") is None:
        raise ValueError("HEIC, which needs a package: pip install pillow-heif")
    from pillow_heif import register_heif_opener  # pyright: ignore[reportMissingImports]

    register_heif_opener()


@contextmanager
def refused_when_huge() -> Iterator[None]:
    """Without Pillow's warning about a huge image: it is refused by its size, with an error of our own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield
