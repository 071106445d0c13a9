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
from pdm.making.names import PLAN, WORK
from pdm.pipelines.card import CARD
from pdm.pipelines.loading import PIPELINE

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
    data, out, cpu = ("--data", str(place / "pictures")), ("--out", OUT), ("--device", "cpu")
    trained = ("--model", str(place / "train" / "unbroken" / OUT / PIPELINE))
    encoder = ("--encoder", str(bench.assets / "rdm" / "encoder"))
    measured = (*_words("--samples 140 --steps 1"), "--classifier", str(bench.assets / "classifier"), *data, *cpu, *out)
    half = _words("--max-minutes 0.0001")  # one step
    training = {"begun": half, "folders": ("state", PIPELINE), "progress": images_seen, "went_on": begins_no_earlier}
    whole = {"begun": (), "folders": (".",)}
    tiny, few = _words(f"--net tiny --size {SIZE}"), _words("--images 160 --batch-size 16")
    curves = _words(f"curves --quick --json {OUT}/curves.json --only time_by_batch,time_by_steps")
    ablate = _words("ablate --images 256 --only unconditional --cache cache")
    return [
        Command(
            "train", (*_words("train --objective paper --precision no"), *tiny, *few, *data, *cpu, *out), **training
        ),
        Command("votes", ("votes", OUT, "300"), WRITERS, once=False),
        Command("set", ("set", OUT, "300"), WRITERS, once=False),
        Command("tune", ("tune", *trained, *few, *data, *cpu, *out), **training),
        Command("memory", (*_words(f"memory --size {SIZE} --encoder-steps 12"), *data, *out), **whole),
        Command("memory-stream", ("memory", "--stream", *encoder, *data, *out)),
        Command("map", ("map", "--count", "60", *trained, *data, *cpu, *out), **whole),
        Command("evaluate", (*_words(f"evaluate --cache {OUT}/cache"), *trained, *measured)),
        Command("ablate", (*ablate, *tiny, *measured)),
        Command("curves", (*curves, *trained, *data, *cpu), progress=rows, went_on=keeps_rows),
        # The plan depends on the pace that was measured, and all else on the plan.
        Command("new", (*_words(f"new {OUT} --minutes 0.1 --yes"), *data, *cpu), kept=(f"{WORK}/{PLAN}",)),
    ]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


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
