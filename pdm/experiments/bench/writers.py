"""What the page writes while visitors use it, as commands that can be killed: votes, and a set after each edit.

    python -m pdm.experiments.bench.writers votes|set OUT COUNT

Each line of OUT.said is a vote, or an edit, whose writing was over: the next run fails where it finds less.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch

from pdm.app.votes import Vote, Votes
from pdm.editing.prototype_set import Prototype, PrototypeSet, vector_bytes
from pdm.editing.set_file import load_set, save_set

SAID = ".said"  # ends the name of the file beside OUT
MODEL = "made up"


def votes(out: Path, count: int) -> None:
    """Add so many votes, each of another visitor. Raises ValueError where one is missing that was added before."""
    kept = Votes(out / "votes.sqlite")
    already = _said(out)
    if kept.count() < len(already):
        raise ValueError(f"votes: expected {len(already)} of an earlier run, got {kept.count()}")
    for number in range(count):
        try:
            kept.add(Vote(f"pair {number}", MODEL, "pdm", "rdm", "left", f"visitor {number}"))
        except ValueError as error:
            if "got a second" not in str(error):  # it was added, and the process killed before it could say so
                raise
        if number not in already:
            _say(out, number)


def edits(out: Path, count: int) -> None:
    """Save a set after each of so many edits. Raises ValueError where one is missing that was saved before."""
    path, found = out / "set.safetensors", 0
    if path.exists():
        prototypes, sentences = load_set(path)
        found = len(sentences)
        if prototypes != _set(found):
            raise ValueError(f"set: expected the prototypes of edit {found}, got others")
    already = _said(out)
    if found <= max(already, default=-1):
        raise ValueError(f"set: expected {max(already) + 1} edits of an earlier run, got {found}")
    for number in range(found, count):
        save_set(_set(number + 1), path, [f"edit {i}" for i in range(number + 1)])
        _say(out, number)


def _set(edits: int) -> PrototypeSet:
    """A set after so many edits: its vectors are another one's after each."""
    vectors = torch.randn(16, 32, generator=torch.Generator().manual_seed(edits))
    rows = [
        Prototype(i, f"prototype {i}", vector_bytes(v), 1 / 16, (), 1.0, False, (i,)) for i, v in enumerate(vectors)
    ]
    return PrototypeSet(MODEL, "0" * 16, tuple(rows), 16, False)


def _said(out: Path) -> set[int]:
    path = out.with_name(out.name + SAID)
    return {int(line) for line in path.read_text().split()} if path.exists() else set()


def _say(out: Path, number: int) -> None:
    handle = os.open(out.with_name(out.name + SAID), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o666)
    os.write(handle, f"{number}\n".encode())
    os.close(handle)


if __name__ == "__main__":
    what, folder, number = sys.argv[1:]
    Path(folder).mkdir(exist_ok=True)
    {"votes": votes, "set": edits}[what](Path(folder), int(number))
