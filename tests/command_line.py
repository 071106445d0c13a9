"""Run commands in this process, and look at what they said and wrote."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image

from pdm.cli import main
from pdm.data.images import to_pil
from tests.tiny import banded


def class_folders(folder: Path, per_class: int = 5, channels: int = 1) -> Path:
    data = banded(per_class, channels)
    for i, (image, label) in enumerate(zip(data.images, data.labels.tolist(), strict=True)):
        path = folder / data.class_names[label] / f"{i:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        to_pil(image).save(path)
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in sorted(folder.rglob("*"))}


def call(*arguments) -> int:
    try:
        return main([str(a) for a in arguments])
    except SystemExit as exit:  # argparse's way out
        return exit.code


def done(capfd, *arguments) -> str:
    """Run a command that works; returns the last line it printed."""
    capfd.readouterr()
    code = call(*arguments)
    captured = capfd.readouterr()
    assert code == 0, captured.err
    return captured.out.splitlines()[-1]


def refused(capfd, *arguments, bars: bool = False) -> str:
    """Run a command that must fail; returns the line that says why. `bars`: progress was shown before."""
    capfd.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # a warning that is shown would be a second line
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        code = call(*arguments)
    captured = capfd.readouterr()
    lines = captured.err.splitlines()
    assert code == 2 and captured.out == "", captured
    assert "Traceback" not in captured.err and captured.err.endswith("\n")
    assert lines[-1].startswith("pdm: error: ")
    assert bars or len(lines) == 1, captured.err
    return lines[-1].removeprefix("pdm: error: ")
