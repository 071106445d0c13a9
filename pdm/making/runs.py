"""Models that are being made by processes of their own, each in a folder that says all about it.

A process is `python -m pdm new`, which goes on where it was ended. It belongs to nobody: an app that starts it may end,
and another one finds it by its folder. A finished model is moved to the others, whole.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from pdm.making.names import DENOISER, FINISH, FOUND_FILE, LATENT_SIZES, MINUTES, PLAN, SIZES, WORK, complete
from pdm.making.points import read_points
from pdm.results.shapes import SHIPPED
from pdm.support.checks import expect, is_number, is_text, one_of, whole
from pdm.support.files import read_json, write_json
from pdm.support.paths import ROOT

PLACE = ".new"  # beside the models; its name keeps it from being one
FILE, LOG = "run.json", "log.txt"
NAME = re.compile(r"[A-Za-z0-9][\w-]{0,59}", re.ASCII)
AUGMENT = ("none", "flip", "d4")
LOOKING, PLANNED, RUNNING, PAUSED = "looking", "planned", "running", "paused"
STOPPED, FAILED, DONE = "stopped", "failed", "done"
ERROR = "pdm: error: "
BEHIND = 5  # how much nicer than the app, so that a page stays quick


@dataclass(frozen=True)
class Knobs:
    """What is chosen of a plan; None where the images decide."""

    minutes: float = MINUTES
    size: int | None = None
    prototypes: int | None = None
    augment: str | None = None

    def check(self) -> None:
        """Raise ValueError for a choice that `new` would refuse."""
        expect("minutes", self.minutes, "a number above 0", is_number(self.minutes, 1e-3, 1e6))
        if self.size is not None:
            sizes = (*SIZES, *LATENT_SIZES)
            expect("size", self.size, f"one of {', '.join(map(str, sizes))}", self.size in sizes)
        if self.prototypes is not None:
            whole("prototypes", self.prototypes, 1, 4096)
        if self.augment is not None:
            one_of("augment", self.augment, AUGMENT)

    def options(self) -> list[str]:
        """As the command takes them."""
        return [f"--{name}={value}" for name, value in asdict(self).items() if value is not None]


class Run:
    """A model in the making: its state is what its folder says, whoever asks."""

    def __init__(self, folder: Path):
        self.folder, self.name = folder, folder.name
        self.model = folder / folder.name
        self.work = self.model / WORK

    @property
    def about(self) -> dict:
        """What was asked for, and which process works on it; empty where nothing was written yet."""
        return _read(self.folder / FILE)

    @property
    def source(self) -> str:
        return str(self.about.get("source", ""))

    @property
    def knobs(self) -> Knobs:
        try:
            return Knobs(**self.about.get("knobs", {}))
        except TypeError:  # of another version
            return Knobs()

    @property
    def state(self) -> str:
        making, process = self.about.get("making", False), self.process()
        if process is not None:
            with _gone():
                if process.status() == psutil.STATUS_STOPPED:
                    return PAUSED
            return RUNNING if making else LOOKING
        if making:
            return DONE if self._complete() else FAILED if self.error else STOPPED
        return PLANNED if (self.work / PLAN).is_file() else FAILED

    @property
    def error(self) -> str:
        """The line with which the process ended, where it was one."""
        lines = self.log().strip().splitlines()
        return lines[-1].removeprefix(ERROR) if lines and lines[-1].startswith(ERROR) else ""

    @property
    def found(self) -> dict:
        """What was found, and the plan's lines; empty where nobody has looked yet."""
        return _read(self.work / FOUND_FILE)

    @property
    def points(self) -> list[dict]:
        return read_points(self.work)

    @property
    def finishing(self) -> bool:
        return (self.work / FINISH).exists()

    def grid(self) -> Path | None:
        """The last grid of samples; of a finished model that of its card."""
        places = (self.model / "samples.png", self.work / "pdm" / "samples.png")
        return next((place for place in places if place.is_file()), None)

    def log(self, most: int = 20_000) -> str:
        """The end of what the process said."""
        try:
            with open(self.folder / LOG, "rb") as file:
                file.seek(max(0, file.seek(0, 2) - most))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def process(self) -> psutil.Process | None:
        """The process that works on it, None where it has ended; another one that got its number is none."""
        pid, created = self.about.get("pid"), self.about.get("created")
        if not isinstance(pid, int) or not isinstance(created, int | float):
            return None
        with _gone():
            process = psutil.Process(pid)
            if abs(process.create_time() - created) < 1 and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None

    def _complete(self) -> bool:
        try:
            return complete(self.model)
        except OSError:
            return False


def _read(path: Path) -> dict:
    """A JSON object, empty where there is none, or not yet a whole one."""
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


class _gone:
    """What psutil raises of a process that has ended meanwhile is no error."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind, error, trace) -> bool:
        return isinstance(error, psutil.Error)


class Runs:
    """The runs beside the models in `assets`, of which one works at a time."""

    def __init__(self, assets: Path):
        self.assets, self.place = Path(assets), Path(assets) / PLACE
        self._children: list[subprocess.Popen] = []  # that this process started: to be waited for, or they stay zombies

    def current(self) -> Run | None:
        """The one that works, else the one that was begun last."""
        self._children = [child for child in self._children if child.poll() is None]
        found = [Run(path.parent) for path in self.place.glob(f"*/{FILE}")]
        found.sort(key=lambda run: (run.process() is not None, run.about.get("begun", 0.0)))
        return found[-1] if found else None

    def look(self, name: str, source: str, knobs: Knobs) -> Run:
        """Look at images, measure this device and make a plan. Raises ValueError for what cannot be looked at."""
        run, source = self._named(name), self._source(source)
        knobs.check()
        self._check_free()
        if run.about.get("making"):
            raise ValueError(
                f"name: expected another one, got {name!r}, which is being made; go on with it or discard it"
            )
        shutil.rmtree(run.model, ignore_errors=True)
        run.folder.mkdir(parents=True, exist_ok=True)
        return self._spawn(run, {"source": source, "knobs": asdict(knobs), "making": False}, "--plan")

    def start(self, run: Run) -> Run:
        """Make what was planned, or go on with it where the process was ended."""
        self._check_free()
        expect(run.name, run.state, "a plan, or a run that stopped", run.state in (PLANNED, STOPPED, FAILED))
        return self._spawn(run, run.about | {"making": True}, "--yes")

    def pause(self, run: Run) -> None:
        """Let the process stand still; it keeps its memory."""
        if process := run.process():
            process.suspend()

    def go_on(self, run: Run) -> Run:
        """Let a process that stands still work again, or start another one where it has ended."""
        process = run.process()
        if process is None:
            return self.start(run)
        process.resume()
        return run

    def finish(self, run: Run) -> None:
        """Let the denoiser have learned enough, and make what comes after it. Raises ValueError before it learns."""
        points = run.points
        part = points[-1]["part"] if points else "nothing yet"
        expect(run.name, part, "a denoiser that learns", part == DENOISER)
        (run.work / FINISH).touch()
        self.go_on(run)

    def discard(self, run: Run) -> None:
        """End the process, and remove all that it made."""
        if process := run.process():
            with _gone():
                process.kill()
                process.wait(10)
        shutil.rmtree(run.folder)

    def put_in_place(self, run: Run) -> str:
        """Move a finished model to the others; returns its name. Raises ValueError where one has it already."""
        expect(run.name, run.state, "a finished model", run.state == DONE)
        self._check_new(run.name)
        os.rename(run.model, self.assets / run.name)
        shutil.rmtree(run.folder)
        return run.name

    def keep(self, name: str, upload: Path) -> str:
        """A copy of a zip that was uploaded, which a run may read as long as it is there; returns its path."""
        run = self._named(name)
        run.folder.mkdir(parents=True, exist_ok=True)
        kept = run.folder / "images.zip"
        shutil.copyfile(upload, kept)
        return str(kept)

    def _named(self, name: str) -> Run:
        expect("name", name, "letters, digits, - and _, at most 60", is_text(name, 60) and bool(NAME.fullmatch(name)))
        self._check_new(name)
        return Run(self.place / name)

    def _check_new(self, name: str) -> None:
        if (self.assets / name).exists() or name == SHIPPED:
            raise ValueError(f"name: expected one that no model has, got {name!r}")

    def _source(self, source: str) -> str:
        expect("images", source, "a folder, a zip, or a hub id", is_text(source, 4096) and bool(source.strip()))
        path = Path(source.strip()).expanduser()
        return str(path.resolve()) if path.exists() else source.strip()

    def _check_free(self) -> None:
        run = self.current()
        if run is not None and run.process() is not None:
            raise ValueError(f"train: expected one model at a time, got {run.name}, which is being made")

    def _spawn(self, run: Run, about: dict, option: str) -> Run:
        """Start `new` for a run, and write down which process it is."""
        command = ["new", str(run.model), f"--data={about['source']}", *Knobs(**about["knobs"]).options(), option]
        process = psutil.Process(self.begin(command, run.folder / LOG))
        with _gone():
            process.nice(BEHIND)
        begun = about.get("begun", time.time())
        write_json(run.folder / FILE, {**about, "pid": process.pid, "created": process.create_time(), "begun": begun})
        return run

    def begin(self, command: list[str], log: Path) -> int:
        """Start `python -m pdm COMMAND`, whose words go into the log; returns the number of its process."""
        with open(log, "ab") as said:
            child = subprocess.Popen(
                [sys.executable, "-m", "pdm", *command],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # what ends the app leaves it alone
            )
        self._children.append(child)
        return child.pid
