"""The benchmark on kills: commands that are killed for real, at random moments, and run again to their end."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from pdm.experiments.bench.bench import Bench, Numbers
from pdm.experiments.bench.forked import Run, fork_server
from pdm.experiments.bench.killed import KINDS, OUT, Command, Kills, killed
from pdm.pipelines.card import CARD
from pdm.training.train import PIPELINE

KILLS = 20  # of each command
SIZE = 16  # pixels of the pictures that the commands work on
SHOWN_FAULTS = 40
WRITERS = "pdm.experiments.bench.writers"


def kills(bench: Bench) -> tuple[Numbers, dict]:
    """Twenty kills of each command, and what they lost, tore, doubled or left behind."""
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        pictures(place / "pictures")
        with fork_server({"XDG_CACHE_HOME": str(place / "cache")}) as run:
            found = killed_commands(bench, place, run)
    faults = [fault for one in found.values() for fault in one.faults]
    by_kind = Counter(fault.kind for fault in faults)
    numbers: Numbers = {"hostile.kills": sum(one.kills for one in found.values())}
    numbers |= {f"hostile.kills_{kind}": by_kind[kind] for kind in KINDS}
    return numbers, {
        "killed": {name: one.kills for name, one in found.items()},
        "unbroken_s": {name: round(one.seconds, 2) for name, one in found.items()},
        "faults": [f"{fault.kind}: {fault.where}" for fault in faults[:SHOWN_FAULTS]],
    }


def killed_commands(bench: Bench, place: Path, run: Run) -> dict[str, Kills]:
    """Kill each command; the model that the first one trains is what others work with."""
    found: dict[str, Kills] = {}
    for command in commands(bench, place)[: bench.pick(100, 2)]:
        started = time.monotonic()
        found[command.name] = kept = killed(command, run, place / command.name, kills=bench.pick(KILLS, 2))
        took = time.monotonic() - started
        print(
            f"bench: hostile: {command.name}: {kept.kills} kills in {took:.0f} s, {len(kept.faults)} faults", flush=True
        )
        for fault in kept.faults[:SHOWN_FAULTS]:
            print(f"bench: hostile: {fault.kind}: {fault.where}", flush=True)
    return found


def commands(bench: Bench, place: Path) -> list[Command]:
    """What is killed: all that writes what somebody would miss."""
    data = ("--data", str(place / "pictures"))
    trained = str(place / "train" / "unbroken" / OUT / PIPELINE)
    tiny = ("--net", "tiny", "--size", str(SIZE))
    measured = ("--classifier", str(bench.assets / "classifier"), "--samples", "140", "--steps", "1", "--device", "cpu")
    half = ("--max-minutes", "0.0001")  # one step
    trainings = {"begun": half, "folders": ("state", PIPELINE), "progress": images_seen, "went_on": begins_no_earlier}
    out, cpu = ("--out", OUT), ("--device", "cpu", "--precision", "no")
    return [
        Command(
            "train",
            ("train", *tiny, *data, "--objective", "paper", "--images", "160", "--batch-size", "16", *cpu, *out),
            **trainings,
        ),
        Command("votes", ("votes", OUT, "300"), WRITERS, once=False),
        Command("set", ("set", OUT, "300"), WRITERS, once=False),
        Command(
            "tune",
            ("tune", "--model", trained, *data, "--images", "160", "--batch-size", "16", *cpu[:2], *out),
            **trainings,
        ),
        Command(
            "memory", ("memory", *data, "--size", str(SIZE), "--encoder-steps", "12", *out), begun=(), folders=(".",)
        ),
        Command(
            "memory-stream",
            (
                "memory",
                *data,
                "--size",
                str(SIZE),
                "--stream",
                "--encoder",
                str(bench.assets / "rdm" / "encoder"),
                *out,
            ),
        ),
        Command(
            "map",
            ("map", "--model", trained, *data, "--count", "60", "--device", "cpu", *out),
            begun=(),
            folders=(".",),
        ),
        Command("evaluate", ("evaluate", "--model", trained, *data, *measured, "--cache", f"{OUT}/cache", *out)),
        Command(
            "ablate",
            ("ablate", *tiny, *data, *measured, "--images", "256", "--only", "unconditional", "--cache", "cache", *out),
        ),
        Command(
            "curves",
            ("curves", "--json", f"{OUT}/curves.json", "--only", "time_by_batch,time_by_steps", "--quick", *data)
            + ("--model", trained, "--device", "cpu"),
            progress=rows,
            went_on=keeps_rows,
        ),
    ]


def pictures(folder: Path, each: int = 24, seed: int = 0) -> None:
    """Grey pictures in four folders of classes: a bright band at one of the edges, and noise."""
    draw = np.random.default_rng(seed)
    for turns, name in enumerate(("top", "left", "bottom", "right")):
        (folder / name).mkdir(parents=True)
        for number in range(each):
            picture = draw.normal(40, 12, (SIZE, SIZE))
            picture[: SIZE // 4] += 170
            pixels = np.rot90(picture, turns).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:03d}.png")


def images_seen(out: Path) -> int:
    """What a training had come to by its card, which is written after a checkpoint."""
    path = out / CARD
    return json.loads(path.read_text())["images_seen"] if path.is_file() else 0


def begins_no_earlier(before: int, out: Path, said: str) -> bool:
    """Whether a training that was run again went on from there, by the first count of its progress bar."""
    first = re.search(r"denoiser:[^\r\n]*?(\d+)/\d+ \[", said)
    return first is None or int(first[1]) >= before


def rows(out: Path) -> list[dict]:
    """The rows of the curves that were measured."""
    path = out / "curves.json"
    curves = json.loads(path.read_text())["curves"] if path.is_file() else {}
    return [row for name in curves for row in curves[name]["rows"]]


def keeps_rows(before: list[dict], out: Path, said: str) -> bool:
    """Whether rows that were measured are there with the same times."""
    return rows(out)[: len(before)] == before
