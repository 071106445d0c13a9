"""Files that are whole or not there: written beside their place, then renamed into it."""

from __future__ import annotations

import errno
import json
import math
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from pdm.support.leftovers import own_folder, put_in_place, recover, sweep_parts_of_files

MAX_TEXT = 8_000_000  # bytes of a JSON that describes other files
# For what can be made or fetched again.
CACHE_FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "pdm"


@contextmanager
def atomic_file(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes its place, on an error nothing is left.

    What killed processes left of files in that folder goes. `durable`: it is on the disk before it takes its place.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep_once(path.parent.absolute())
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}{path.suffix}")
    mode = _created(part)
    try:
        yield part
        part.chmod(mode)
        if durable:
            to_disk(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@lru_cache(maxsize=256)
def _sweep_once(folder: Path) -> None:
    """For the whole process: a thousand pictures in one folder need no thousand looks through it."""
    sweep_parts_of_files(folder)


def _created(path: Path) -> int:
    """Create an empty file; returns the mode that the process's umask gives it. safetensors would make it private."""
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        return stat.S_IMODE(os.fstat(handle).st_mode)
    finally:
        os.close(handle)


def usual_mode(folder: Path) -> int:
    """The mode that the process's umask gives to a new file in a folder."""
    probe = Path(folder) / f".{secrets.token_hex(4)}"
    mode = _created(probe)
    probe.unlink()
    return mode


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """The same for a folder: an old one stays until the new one is complete and on the disk.

    What a kill leaves is told from it by its name, and mended by the next writing or by `recover` before a reading.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover(folder)
    with own_folder(folder.parent, f".{folder.name}.") as part:
        yield part
        mode = usual_mode(part)
        for file in part.rglob("*"):
            if file.is_file():
                file.chmod(mode)
            to_disk(file)
        part.chmod(0o755)
        to_disk(part)
        put_in_place(part, folder)
        to_disk(folder.parent)


def check_regular(path: Path) -> None:
    """Raise ValueError for a pipe, a device or anything else that is no file: reading from it may never end."""
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ValueError(f"{path}: expected a regular file, got a pipe or a device")


def check_all_regular(folder: Path) -> None:
    """`check_regular` for everything in a folder and below it: libraries in other languages wait at a pipe for ever."""
    for path in Path(folder).rglob("*"):
        check_regular(path)


def read_small(path: Path, most: int = MAX_TEXT) -> str:
    """The text of a small file; raises ValueError for one that is too large, no regular file, or not UTF-8."""
    check_regular(path)
    if os.stat(path).st_size > most:
        raise ValueError(f"{path}: expected at most {most} bytes, got {os.stat(path).st_size}")
    return Path(path).read_text(encoding="utf-8")


def read_json(path: Path) -> Any:
    """The value in a JSON file; raises ValueError for one that `read_small` refuses, or that is no JSON."""
    text = read_small(path)
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("JSON of fewer lists and objects in each other was expected") from error


def to_disk(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk and survives a loss of power.

    PDM_FSYNC=0 in the environment leaves that to the system, for disks where it takes seconds; a killed process loses
    nothing either way.
    """
    if os.environ.get("PDM_FSYNC") == "0":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):  # some systems do so for files only
            raise
    finally:
        os.close(handle)


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON, whole and on the disk or not at all.

    Raises ValueError, which names the field, for NaN and infinity: JSON has no word for them.
    """
    path = Path(path)
    with atomic_file(path, durable=True) as part:
        part.write_text(_finite_json(value, path) + "\n")


def _finite_json(value: object, path: Path) -> str:
    try:
        return json.dumps(value, indent=1, allow_nan=False)
    except ValueError as error:
        field = next(_not_finite(value, ""), None)
        if field is None:
            raise
        raise ValueError(f"{path}: expected numbers, got {field}") from error


def _not_finite(value: object, place: str) -> Iterator[str]:
    """The places of all that is no number."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _not_finite(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from _not_finite(inner, f"{place}[{i}]")
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{place} = {value}"


def as_json(value: object) -> Any:
    """A value as it comes back from a file: tuples as lists."""
    return json.loads(json.dumps(value))
