"""A command that is killed again and again, then run to its end: what that lost, tore, doubled or left behind.

What an unbroken run wrote is the measure: each file of it must be there, with the same bits, or for a JSON the same
values but for times.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pdm.experiments.bench.forked import KILLED, LOG, Ended, Run

OUT = "out"  # what a command writes, in the folder it runs in
KINDS = ("lost", "torn", "doubled", "left")
TIMES = ("minutes", "speed", "loss_by_noise", "seconds", "spread")  # in JSON files: other ones in every run
UNLIKE = "state"  # a folder of checkpoints: they keep times as well, in a format of their own
LATER = 7200.0  # seconds that pass between a kill and the next run: parts of files are then nobody's


@dataclass(frozen=True)
class Fault:
    """One of `KINDS`, and where."""

    kind: str
    where: str


@dataclass(frozen=True)
class Command:
    """`python -m MODULE ARGUMENTS`, which writes to `OUT` of the folder it runs in.

    `begun`: arguments beside which it stops half-way; runs then start from nothing and from there in turn. None: they
    start from nothing, or from the files `kept` of an unbroken run, all else of which follows from them. `folders`:
    those in `OUT` that are whole or not there ("." is itself). `once`: each file has one content. `progress`: how far
    a run had come by what it wrote; `went_on`: whether the next one did from there, by what it wrote and said.
    """

    name: str
    arguments: tuple[str, ...]
    module: str = "pdm"
    begun: tuple[str, ...] | None = None
    kept: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    once: bool = True
    progress: Callable[[Path], Any] = lambda out: None
    went_on: Callable[[Any, Path, str], bool] = lambda before, out, said: True


@dataclass
class Kills:
    """What came of killing a command: how often it was, the seconds of an unbroken run, and the faults."""

    kills: int = 0
    seconds: float = 0.0
    faults: list[Fault] = field(default_factory=list)


def killed(command: Command, run: Run, folder: Path, *, kills: int, seed: int = 0) -> Kills:
    """Kill a command so often, two times before each run to the end, at moments spread over an unbroken run's time.

    The unbroken run's folder stays as `folder`/unbroken. Raises ValueError where that run fails.
    """
    whole, half = folder / "unbroken", folder / "begun"
    found = Kills(seconds=_unbroken(command, run, whole))
    if command.begun is not None:
        _unbroken(command, run, half, command.begun)
    draw, spans = random.Random(seed), [found.seconds] * 2  # of runs from nothing, and from half-way
    shares = [(i + draw.random()) / kills for i in range(kills)]
    draw.shuffle(shares)
    number = 0
    while found.kills < kills and number < 2 * kills:  # a run may end before its moment
        place = folder / f"run-{number}"
        place.mkdir(parents=True)
        turn = number % 2 if command.begun is not None else 0
        begun = half / OUT if turn else None
        if begun is not None:
            shutil.copytree(begun, place / OUT)
        for name in command.kept:
            (place / OUT / name).parent.mkdir(parents=True)
            shutil.copy(whole / OUT / name, place / OUT / name)
        trial = Trial(command, run, place, whole / OUT, begun)
        pair = [shares[(2 * number + k) % kills] for k in range(min(2, kills - found.kills))]
        hit, seconds = trial.play([share * spans[turn] for share in pair])
        found.kills += hit
        if not hit:  # it takes less time than it seemed to
            spans[turn] = min(spans[turn], seconds)
        found.faults += [Fault(f.kind, f"{command.name}, run {number}: {f.where}") for f in trial.faults]
        if not trial.faults:
            shutil.rmtree(place)
        number += 1
    return found


def _unbroken(command: Command, run: Run, folder: Path, more: tuple[str, ...] = ()) -> float:
    """Seconds of a run that nobody kills; raises ValueError where it fails."""
    folder.mkdir(parents=True)
    ended = run(command.module, (*command.arguments, *more), folder, None)
    if ended.code:
        raise ValueError(f"hostile: expected {command.name} to work, got: {last_line(folder)}")
    return ended.seconds


def last_line(folder: Path) -> str:
    return (said(folder).strip().splitlines() or ["nothing"])[-1]


def said(folder: Path) -> str:
    path = folder / LOG
    return path.read_text(errors="replace") if path.exists() else ""


@dataclass
class Trial:
    """One folder in which a command is killed, and then run to its end."""

    command: Command
    run: Run
    folder: Path
    whole: Path  # what an unbroken run wrote
    begun: Path | None  # what was there before the first run
    faults: list[Fault] = field(default_factory=list)

    @property
    def out(self) -> Path:
        return self.folder / OUT

    def play(self, moments: list[float]) -> tuple[int, float]:
        """Kill the command after each of these seconds, then run it to its end.

        Returns how often it was hit, and the seconds of its first run.
        """
        kills, seconds = 0, 0.0
        for moment in moments:
            ended = self._go_on(moment)
            seconds = seconds or ended.seconds
            if ended.code != KILLED:
                break
            kills += 1
            self.faults += torn(self.out, self.whole, self.begun, self.command)
        ended = self._go_on(None)
        if ended.code:
            self.faults.append(Fault("lost", f"it ends with {ended.code}: {last_line(self.folder)}"))
            return kills, seconds
        expected, got = contents(self.whole), contents(self.out)
        more = sorted(got.keys() - expected.keys())
        self.faults += differences(expected, {name: got[name] for name in expected if name in got})
        parts = [path for path in _parts(self.folder) if not self._usual(path)]
        self.faults += [Fault("left", name) for name in [*more, *(path.name for path in parts)]]
        return kills, seconds

    def _usual(self, path: Path) -> bool:
        """Whether an unbroken run leaves the same there."""
        return (self.whole.parent / path.relative_to(self.folder)).exists()

    def _go_on(self, moment: float | None) -> Ended:
        """Run the command again, some hours later; what it had come to must not be begun anew."""
        earlier = time.time() - LATER
        for path in _parts(self.folder):
            if path.is_file():
                os.utime(path, (earlier, earlier))
        before = self.command.progress(self.out)
        (self.folder / LOG).unlink(missing_ok=True)
        ended = self.run(self.command.module, self.command.arguments, self.folder, moment)
        if not self.command.went_on(before, self.out, said(self.folder)):
            self.faults.append(Fault("lost", f"it had come to {before}, and begins before that"))
        return ended


def _parts(folder: Path) -> list[Path]:
    """What is being written, or was left of it."""
    return [p for p in folder.rglob("*") if p.name.startswith(".") or p.name.endswith("-journal")]


def torn(out: Path, whole: Path, begun: Path | None, command: Command) -> Iterator[Fault]:
    """What a kill left under its own name that is not whole: a JSON cut short, half a folder, other bytes."""
    for path in _files(out):
        name = str(path.relative_to(out))
        known = [folder / name for folder in (whole, begun) if folder is not None and (folder / name).is_file()]
        if path.suffix == ".json":
            try:
                json.loads(path.read_text())
            except ValueError as error:
                yield Fault("torn", f"{name}: {error}")
        elif command.once and known and content(path, name) not in [content(one, name) for one in known]:
            yield Fault("torn", f"{name}: neither what was there before nor what an unbroken run writes")
    for folder in command.folders:
        missing = _names(whole / folder) - _names(out / folder)
        if (out / folder).is_dir() and missing:
            yield Fault("torn", f"{folder}: {', '.join(sorted(missing))} missing")


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in _files(folder)} if folder.is_dir() else set()


def _files(folder: Path) -> list[Path]:
    """The files in a folder under their own names: no parts."""
    found = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return [p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts)]


def contents(folder: Path) -> dict[str, Any]:
    """What the files in a folder hold, by name, as it must be the same after any run."""
    return {(name := str(path.relative_to(folder))): content(path, name) for path in _files(folder)}


def content(path: Path, name: str) -> Any:
    """A file's digest, a JSON's values but for times, the votes without theirs; nothing of a checkpoint."""
    if UNLIKE in Path(name).parts:
        return None
    if path.suffix == ".json":
        return _timeless(json.loads(path.read_text()))
    if path.suffix == ".sqlite":
        with closing(sqlite3.connect(path)) as db:
            return sorted(map(list, db.execute("SELECT pair, model, choice, visitor FROM votes")))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(inner) for key, inner in value.items() if key not in TIMES}
    return [_timeless(inner) for inner in value] if isinstance(value, list) else value


def differences(expected: Any, got: Any, where: str = "") -> Iterator[Fault]:
    """How what a broken run wrote differs from an unbroken one's: less of it, more of it, or another value."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in expected.keys() | got.keys():
            if key not in got:
                yield Fault("lost", f"{where}{key}")
            elif key not in expected:
                yield Fault("doubled", f"{where}{key}")
            else:
                yield from differences(expected[key], got[key], f"{where}{key}: ")
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) != len(got):
        kind = "lost" if len(got) < len(expected) else "doubled"
        yield Fault(kind, f"{where}{len(got)} of {len(expected)}")
    elif expected != got:
        yield Fault("torn", f"{where}{str(got)[:60]} where {str(expected)[:60]} belongs")
