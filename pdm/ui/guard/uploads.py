"""File arguments: of every event, before anything is opened. A client may name any path; few are answered to."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from gradio.blocks import Block
from gradio.components.api_component import Api
from gradio.utils import get_upload_folder

from pdm.data.images import MAX_PIXELS
from pdm.data.picture_header import EXPECTED, check_picture
from pdm.support.checks import is_text

MAX_BYTES = 8_000_000  # of a file that was uploaded
ZIP, MAX_ZIP = ".zip", 50_000_000  # of images to train on, which only a page at this machine asks for
MAX_DEPTH = 32  # of lists and objects in each other
NOT_UPLOADED = "file: expected one that was uploaded here, got none; upload it first"
DRAWN = f"picture: expected {EXPECTED}, got one that is named as SVG"
UNEXPECTED = "file: expected none here, got one"
TOO_DEEP = f"values: expected at most {MAX_DEPTH} lists or objects in each other, got more"
NO_TEXT = "text: expected whole characters, got half of one"


@dataclass(frozen=True)
class Expected:
    """What an input takes: pictures, or files of these suffixes; neither: no files."""

    picture: bool = False
    suffixes: tuple[str, ...] = ()
    most: int = MAX_BYTES


def expected_of(block: Block) -> Expected:
    """What a component takes. Endpoints for scripts take sets where their signature says file."""
    if isinstance(block, gr.Image):
        return Expected(picture=True)
    if isinstance(block, gr.File | gr.UploadButton):
        suffixes = tuple(block.file_types or ())
        return Expected(suffixes=suffixes, most=MAX_ZIP if ZIP in suffixes else MAX_BYTES)
    if isinstance(block, Api) and "path" in str(block.api_info()):
        return Expected(suffixes=(".safetensors",))
    return Expected()


def check_values(values: object, expected: Expected) -> None:
    """Raise ValueError, which tells no path, unless every file among these raw values may be opened."""
    if expected.picture and isinstance(values, dict):
        _check_fields(values)
    for given in files_in(values):
        if not (expected.picture or expected.suffixes):
            raise ValueError(UNEXPECTED)
        path = uploaded(given.get("path"), expected.most)
        if expected.picture:
            check_picture(path, MAX_PIXELS)
        elif path.suffix.lower() not in expected.suffixes:
            raise ValueError(f"file: expected one of kind {', '.join(expected.suffixes)}, got another kind")


def _check_fields(picture: dict) -> None:
    """Refuse what Gradio believes of a picture besides its path: an address that holds the bytes, and its name.

    Such an address needs no path at all, and what it holds would be decoded whatever its kind and size.
    """
    if "path" not in picture or str(picture.get("url")).startswith("data:"):
        raise ValueError(NOT_UPLOADED)
    if str(picture.get("orig_name")).lower().endswith(".svg"):
        raise ValueError(DRAWN)


def uploaded(given: object, most: int = MAX_BYTES) -> Path:
    """The real path of a regular file in the upload folder. Raises ValueError: the same for all else there can be."""
    if not isinstance(given, str) or not is_text(given, 4096):
        raise ValueError(NOT_UPLOADED)
    path = given
    try:
        folder, path = os.path.realpath(get_upload_folder()), os.path.realpath(given)
        inside = os.path.isabs(given) and os.path.commonpath([folder, path]) == folder
        found = os.lstat(path) if inside else None
    except (OSError, ValueError):
        found = None
    if found is None or not stat.S_ISREG(found.st_mode):
        raise ValueError(NOT_UPLOADED)
    if found.st_size > most:
        raise ValueError(f"file: expected at most {most // 1_000_000} MB, got a larger one")
    return Path(path)


def files_in(values: object, depth: int = 0) -> Iterator[dict]:
    """Every object with a path, with Gradio's mark of a file or without; raises ValueError for what is too deep."""
    if depth > MAX_DEPTH:
        raise ValueError(TOO_DEEP)
    if isinstance(values, dict):
        if "path" in values or "meta" in values:
            yield values
        for key, value in values.items():
            _check_text(key)
            yield from files_in(value, depth + 1)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from files_in(value, depth + 1)
    else:
        _check_text(values)


def _check_text(value: object) -> None:
    if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
        raise ValueError(NO_TEXT)
