"""Kind and size from the first bytes, as Pillow finds them by opening; hostile headers are refused."""

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pdm.data.picture_header import KINDS, check_picture, picture_header


def encoded(kind, size=(37, 21), **options):
    file = io.BytesIO()
    Image.new("RGB", size, "red").save(file, kind, **options)
    return file.getvalue()


def written(tmp_path, data):
    path = tmp_path / "file"
    path.write_bytes(data)
    return path


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*sizes):
    headers = [chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 0, 0, 0, 0)) for w, h in sizes]
    return b"\x89PNG\r\n\x1a\n" + b"".join(headers) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", KINDS)
def test_what_pillow_writes_is_known(kind, tmp_path):
    assert picture_header(written(tmp_path, encoded(kind))) == (kind, 37, 21)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"progressive": True}),
        ("JPEG", {"exif": b"Exif\0\0" + bytes(3000)}),
        ("WebP", {"lossless": True}),
        ("WebP", {"exif": b"Exif\0\0" + bytes(30)}),
        ("WebP", {"save_all": True, "append_images": [Image.new("RGB", (37, 21))]}),
        ("GIF", {"comment": b"x" * 600}),
    ],
)
def test_other_ways_to_write_them(kind, options, tmp_path):
    assert picture_header(written(tmp_path, encoded(kind, **options))) == (kind, 37, 21)


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (b"", "an empty file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg/>", "SVG"),
        (b"%PDF-1.4", "another kind"),
        (b"\x89PNG\r\n\x1a\n", "the beginning of one"),
        (b"\xff\xd8\xff\xe0\x00\x10", "the beginning of one"),
        (b"\xff\xd8\xff\xda\x00\x02", "the beginning of one"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "the beginning of one"),
        (b"BM", "the beginning of one"),
    ],
)
def test_others_are_refused_in_words(data, got, tmp_path):
    with pytest.raises(ValueError, match=f"picture: expected PNG, JPEG, WebP, BMP or GIF, got {got}"):
        picture_header(written(tmp_path, data))


def test_a_huge_picture_is_refused_by_what_it_claims(tmp_path):
    with pytest.raises(ValueError, match="expected 1 to 16000000 pixels, got 13000 x 13000"):
        check_picture(written(tmp_path, png((13_000, 13_000))), 16_000_000)


def test_the_largest_of_several_claims_counts(tmp_path):
    assert picture_header(written(tmp_path, png((8, 8), (13_000, 13_000)))) == ("PNG", 13_000, 13_000)
    small, large = (b"\xff\xc0" + struct.pack(">HBHHB", 8, 8, s, s, 0) for s in (8, 60_000))
    assert picture_header(written(tmp_path, b"\xff\xd8" + small + large + b"\xff\xda")) == ("JPEG", 60_000, 60_000)
    screen = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0)
    assert picture_header(written(tmp_path, screen + frame)) == ("GIF", 65_535, 65_535)


@given(st.sampled_from(KINDS), st.data())
def test_damaged_files_raise_nothing_else(tmp_path_factory, kind, data):
    raw = bytearray(encoded(kind))
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = written(tmp_path_factory.mktemp("file"), bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    try:
        picture_header(path)
    except ValueError as error:
        assert str(error).startswith("picture: expected")
