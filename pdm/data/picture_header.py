"""The kind and size of a picture from the first bytes of its file: nothing is decoded, so nothing can swell."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

KINDS = ("PNG", "JPEG", "WebP", "BMP", "GIF")
EXPECTED = f"{', '.join(KINDS[:-1])} or {KINDS[-1]}"
NO_SIZE = {0x01, *range(0xD0, 0xD9)}  # markers of a JPEG that no length follows
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # those that say the size
MAX_SEGMENTS = 10_000  # of a JPEG or GIF that are looked through


def picture_header(path: str | Path) -> tuple[str, int, int]:
    """Kind, width and height; raises ValueError for a file that is none of `KINDS` or ends before it says its size."""
    with open(path, "rb") as file:
        start = file.read(32)
        try:
            if start.startswith(b"\x89PNG\r\n\x1a\n"):
                return "PNG", *_png(file)
            if start.startswith(b"\xff\xd8\xff"):
                return "JPEG", *_jpeg(file)
            if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
                return "WebP", *_webp(start)
            if start.startswith(b"BM"):
                return "BMP", *_bmp(start)
            if start[:6] in (b"GIF87a", b"GIF89a"):
                return "GIF", *_gif(file, start)
        except (struct.error, IndexError):
            raise ValueError(f"picture: expected {EXPECTED}, got the beginning of one") from None
    raise ValueError(f"picture: expected {EXPECTED}, got {_guess(start)}")


def check_picture(path: str | Path, max_pixels: int) -> tuple[str, int, int]:
    """`picture_header` of a picture of at most so many pixels; raises ValueError for another file."""
    kind, width, height = picture_header(path)
    if width < 1 or height < 1 or width * height > max_pixels:
        raise ValueError(f"picture: expected 1 to {max_pixels} pixels, got {width} x {height}")
    return kind, width, height


def _guess(start: bytes) -> str:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return "an empty file"
    return "SVG or other text" if text.startswith((b"<svg", b"<?xml", b"<!doc", b"<html")) else "another kind of file"


def _png(file: BinaryIO) -> tuple[int, int]:
    """The largest size that any header before the pixels claims: Pillow believes the last."""
    file.seek(8)
    sizes = []
    for _ in range(MAX_SEGMENTS):
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind == b"IHDR":
            sizes.append(struct.unpack(">II", file.read(8)))
            length -= 8
        if kind in (b"IDAT", b"IEND"):
            break
        file.seek(length + 4, 1)
    return max(sizes, key=lambda s: s[0] * s[1]) if sizes else _none()


def _jpeg(file: BinaryIO) -> tuple[int, int]:
    """The largest size that any header before the pixels claims."""
    file.seek(2)
    sizes = []
    for _ in range(MAX_SEGMENTS):
        marker = file.read(1)[0]
        while marker != 0xFF:
            marker = file.read(1)[0]
        while marker == 0xFF:
            marker = file.read(1)[0]
        if marker in (0xD9, 0xDA):  # the end, or the pixels
            break
        if marker in NO_SIZE:
            continue
        (length,) = struct.unpack(">H", file.read(2))
        if marker in FRAMES:
            _, height, width = struct.unpack(">BHH", file.read(5))
            sizes.append((width, height))
            length -= 5
        file.seek(max(0, length - 2), 1)
    return max(sizes, key=lambda s: s[0] * s[1]) if sizes else _none()


def _none() -> tuple[int, int]:
    raise IndexError


def _webp(start: bytes) -> tuple[int, int]:
    kind = start[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(start[i : i + 3], "little") + 1 for i in (24, 27))
    elif kind == b"VP8L":
        (bits,) = struct.unpack("<I", start[21:25])
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (v & 0x3FFF for v in struct.unpack("<HH", start[26:30]))
    return width, height


def _bmp(start: bytes) -> tuple[int, int]:
    (header,) = struct.unpack("<I", start[14:18])
    if header == 12:
        return struct.unpack("<HH", start[18:22])
    width, height = struct.unpack("<ii", start[18:26])
    return abs(width), abs(height)


def _gif(file: BinaryIO, start: bytes) -> tuple[int, int]:
    """The canvas, or what its first frame makes of it: Pillow enlarges the one for the other."""
    width, height = struct.unpack("<HH", start[6:10])
    file.seek(13 + (3 << ((start[10] & 7) + 1) if start[10] & 0x80 else 0))
    for _ in range(MAX_SEGMENTS):
        block = file.read(1)[0]
        if block == 0x2C:
            left, top, w, h = struct.unpack("<HHHH", file.read(8))
            return max(width, left + w), max(height, top + h)
        if block != 0x21:
            break
        file.read(1)
        while length := file.read(1)[0]:
            file.seek(length, 1)
    raise IndexError
