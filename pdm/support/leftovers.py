"""What a process that was killed leaves behind: told from what a living one is writing, brought back, or removed.

A folder that is being written is locked by its process. The system lets go of a lock when the process ends, however it
ends, so a folder that can be locked belongs to nobody. Where the system has no such locks, nothing is removed.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

OLD = ".old"  # ends the name of a folder that stood aside while another took its place
RANDOM = "[a-z0-9_]{8}"  # what `tempfile` puts into a name
PATIENCE = 5.0  # seconds; two renames take none
FILES_AFTER = 3600.0  # seconds after which a part of a file, which cannot be locked, is nobody's


@contextmanager
def locked(folder: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock of a folder; yields whether it is held: False where another has it, or there are no locks.

    It waits for another one for `PATIENCE` at most, so that a process that hangs stops nobody.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        yield False
        return
    try:
        yield _lock(handle, wait)
    finally:
        os.close(handle)  # which lets go of it


def _lock(handle: int, wait: bool) -> bool:
    if fcntl is None:
        return False
    until = time.monotonic() + (PATIENCE if wait else 0)
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.01)
        except OSError:  # a file system without locks
            return False


@contextmanager
def own_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder, locked while it is used and removed afterwards: `sweep` leaves it alone."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
        with locked(folder):
            if not folder.exists():  # swept between its making and the lock
                continue
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            return


def sweep(parent: Path, prefix: str) -> None:
    """Remove this user's folders of `own_folder` whose process has ended."""
    for folder in _named(parent, re.escape(prefix) + RANDOM):
        _remove(folder)


def recover(folder: Path) -> None:
    """Bring back a folder that a kill left aside, and remove what else was left of its writing; see `put_in_place`.

    Where this may not be done, it isn't: what reads or writes the folder next says what is wrong.
    """
    folder = Path(folder)
    with suppress(OSError):
        if _aside(folder) or _named(folder.parent, _part(folder)):
            with locked(folder.parent):
                _bring_back(folder)
            for part in _named(folder.parent, _part(folder)):
                _remove(part)


def put_in_place(part: Path, folder: Path) -> None:
    """Rename a complete folder `part` to `folder`; the one that was there is whole under one name or the other.

    It stands aside as ".NAME.RANDOM.old" between two renames. A kill there leaves it, and `recover` brings it back.
    """
    with locked(folder.parent):  # nobody recovers meanwhile
        _bring_back(folder)
        aside = part.with_name(part.name + OLD)
        if folder.exists():
            folder.rename(aside)
        try:
            part.rename(folder)
        except OSError:
            if aside.exists():
                aside.rename(folder)
            raise
        _clear(folder)


def _bring_back(folder: Path) -> None:
    """The newest of the folders aside under its name, where that is missing; those that are not needed are removed."""
    aside = _aside(folder)
    if aside and not folder.exists():
        aside.pop().rename(folder)
    _clear(folder)


def _clear(folder: Path) -> None:
    """Remove the folders aside: under another name first, so that what is half removed is never brought back."""
    for aside in _aside(folder):
        doomed = aside.with_name(aside.name.removesuffix(OLD))
        with suppress(OSError):
            aside.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)


def _remove(folder: Path) -> None:
    with locked(folder, wait=False) as ours:
        if ours:
            shutil.rmtree(folder, ignore_errors=True)


def _part(folder: Path) -> str:
    return rf"\.{re.escape(folder.name)}\.{RANDOM}"


def _aside(folder: Path) -> list[Path]:
    """The folders that stood aside for this one, the newest last."""
    return _named(folder.parent, _part(folder) + re.escape(OLD))


def _named(parent: Path, pattern: str) -> list[Path]:
    """This user's real folders with a name like this, the newest last; none where the parent cannot be read."""
    named = re.compile(pattern)
    try:
        with os.scandir(parent) as entries:
            found = [e for e in entries if named.fullmatch(e.name) and e.is_dir(follow_symlinks=False)]
            times = {e.path: e.stat(follow_symlinks=False) for e in found}
            return [Path(p) for p in sorted(times, key=lambda p: times[p].st_mtime) if _ours(times[p])]
    except OSError:
        return []


def _ours(found: os.stat_result) -> bool:
    return not hasattr(os, "getuid") or found.st_uid == os.getuid()


def is_free(folder: Path, *but: str) -> bool:
    """Whether something new may be written to a folder: it is not there, or holds nothing.

    What does not count: the names `but`, and parts of files, which a killed process leaves.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return not folder.exists()
    return all(path.name in but or _is_part(path.name) for path in folder.iterdir())


def _is_part(name: str) -> bool:
    """Whether a file is named as `pdm.support.files.atomic_file` names what it has not written to its end."""
    match = re.fullmatch(r"\.(.+)\.[0-9a-f]{8}(\.\w+)", name)
    return match is not None and Path(match[1]).suffix == match[2]


def sweep_parts_of_files(folder: Path) -> None:
    """Remove parts of files in a folder that nobody has written to for an hour."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _is_part(entry.name):
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(found.st_mode) and _ours(found) and time.time() - found.st_mtime > FILES_AFTER:
                    os.unlink(entry.path)
