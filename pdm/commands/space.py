"""`python -m pdm space`: the folder that a Space on the hub is made of."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from pdm.commands.parser import Parser, add_command
from pdm.support.leftovers import is_free

LARGEST, IN_ALL = 10_000_000, 150_000_000  # bytes: the hub wants larger files in LFS; a Space should start soon
CODE = ("app.py", "LICENSE", "assets/thumbnail.jpg")
TORCH = "torch==2.11.0"  # the newest that ZeroGPU lists; of our whole range it would get one that it refuses
NOT_SHOWN = ("classifier",)  # what measures pictures, inside a model's folder
SHORT = 60  # characters of a Space's short description
SECTIONS = ("", "On the page", "Licences")  # of the README, the first without a heading


def add_space(subparsers) -> None:
    parser: Parser = add_command(
        subparsers,
        "space",
        space,
        "write the folder that a Space on the hub is made of",
        "Write the app, models and their results into a folder to be pushed to a Space: no tests, nothing that only\n"
        "measures, no file over 10 MB, at most 150 MB in all.",
        "space my-space --models fashion-mnist,eurosat --id me/prototypes",
    )
    option = parser.add_argument
    option("out", type=Path, metavar="DIR", help="a new or empty folder")
    option("--models", metavar="NAME,...", help="models to show (default: as many as fit, the first ones first)")
    option("--assets", type=Path, metavar="DIR", help="folder of models (default: the one that ships)")
    option("--id", metavar="OWNER/NAME", help="the Space's: links that show its thumbnail need it")


def space(arguments: Namespace) -> str:
    from pdm.app.library import models_in
    from pdm.support.files import atomic_folder
    from pdm.support.paths import ASSETS, ROOT

    out = new_folder(str(arguments.out), arguments.out)
    if arguments.id is not None and not re.fullmatch(r"[\w.-]+/[\w.-]+", arguments.id):
        raise ValueError(f"--id: expected OWNER/NAME, got {arguments.id!r}")
    check_checkout("space")
    assets = models_in(arguments.assets or ASSETS)[0]
    models, left_out = _models(arguments.models, arguments.assets or ASSETS, _size(dict(_code(ROOT)).values()))
    files = space_files(assets, models)
    texts = space_texts(models, set(files), arguments.id)
    with atomic_folder(out) as part:
        size = write_files(part, files, texts) / 1e6
    rest = f"; left out, as they would not fit: {', '.join(left_out)}" if left_out else ""
    return f"wrote {len(files) + len(texts)} files, {size:.1f} MB, with {', '.join(models)} to {arguments.out}{rest}"


def new_folder(field: str, folder: Path) -> Path:
    """The folder, resolved. Raises ValueError unless it is new or empty."""
    out = folder.resolve()
    if not is_free(out):
        raise ValueError(f"{field}: expected a new or empty folder, got one with something in it")
    return out


def check_checkout(field: str) -> None:
    """Raise ValueError where the app itself is not beside the package."""
    from pdm.support.paths import ROOT

    if not (ROOT / "app.py").is_file():
        raise ValueError(f"{field}: expected a checkout of the project with app.py in it, got the package alone")


def check_fits(assets: Path, model: str) -> None:
    """Raise ValueError for a model that is too large for a Space."""
    from pdm.support.paths import ROOT

    _models(model, assets, _size(dict(_code(ROOT)).values()))


def space_files(assets: Path, models: Sequence[str]) -> dict[str, Path]:
    """The files of a Space, by their place in it: the code and these models of `assets`, their results included."""
    from pdm.support.paths import ROOT

    return {**dict(_code(ROOT)), **{target: path for name in models for target, path in _files_of(assets, name)}}


def space_texts(models: Sequence[str], files: Collection[str], space_id: str | None) -> dict[str, str]:
    """Those that are written for it."""
    from pdm.support.paths import ROOT

    return {
        "README.md": readme((ROOT / "README.md").read_text(), models, files, space_id),
        "requirements.txt": requirements((ROOT / "requirements.txt").read_text()),
    }


def write_files(folder: Path, files: Mapping[str, Path], texts: Mapping[str, str]) -> int:
    """Copy the files and write the texts; returns how many bytes they have."""
    for target, path in files.items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        (folder / target).write_bytes(path.read_bytes())
    for target, text in texts.items():
        (folder / target).write_text(text)
    return _size(files.values()) + sum(len(text.encode()) for text in texts.values())


def _code(root: Path) -> Iterator[tuple[str, Path]]:
    """(place in the Space, file) of what every Space has."""
    yield from ((name, root / name) for name in CODE)
    for path in sorted((root / "pdm").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".pyc", ".pyi"):
            yield path.relative_to(root).as_posix(), path


def _files_of(assets: Path, name: str) -> Iterator[tuple[str, Path]]:
    """The same of a model, its results included. Raises ValueError for a file that the hub would not take."""
    for folder in (assets / name, assets / "results" / name):
        for path in sorted(folder.rglob("*")):
            place = path.relative_to(assets)
            if path.is_file() and not any(p.startswith(".") for p in place.parts) and place.parts[1] not in NOT_SHOWN:
                if path.stat().st_size > LARGEST:
                    raise ValueError(f"{path}: expected at most {LARGEST // 10**6} MB, got {_size([path]) / 1e6:.1f}")
                yield f"assets/{place.as_posix()}", path


def _models(asked: str | None, assets: Path, used: int) -> tuple[list[str], list[str]]:
    """The models to write, and those that are left out for their size. Raises ValueError for what can't be had."""
    from pdm.app.library import models_in

    assets, there = models_in(assets)
    names = there if asked is None else [name.strip() for name in asked.split(",")]
    wrong = [name for name in names if name not in there]
    if wrong or not names:
        raise ValueError(f"--models: expected some of {', '.join(there) or 'none'}, got {', '.join(wrong) or 'none'}")
    written, left_out = [], []
    for name in dict.fromkeys(names):
        size = _size(path for _, path in _files_of(assets, name))
        fits = used + size <= IN_ALL
        (written if fits else left_out).append(name)
        used += size if fits else 0
    if left_out and (asked is not None or not written):
        sizes = ", ".join(f"{n} with {_size(path for _, path in _files_of(assets, n)) / 1e6:.0f}" for n in names)
        raise ValueError(f"--models: expected at most {IN_ALL // 10**6} MB with the code, got {sizes}")
    return written, left_out


def _size(paths) -> int:
    return sum(path.stat().st_size for path in paths)


def requirements(text: str) -> str:
    """The project's, with a torch that ZeroGPU has."""
    return re.sub(r"^torch[<>=].*$", TORCH, text, flags=re.MULTILINE)


def readme(text: str, models: Sequence[str], files: Collection[str], space_id: str | None) -> str:
    """The project's, shortened: a head for these models, what a visitor wants to know, no link to what isn't there."""
    from pdm.data.known import HUB_IDS

    _, head, body = text.split("---\n", 2)
    ids = {name: short for short, name in HUB_IDS.items()}
    lines = [
        line
        for line in head.splitlines()
        if (short := ids.get(line.strip(" -"))) is None or any(model.startswith(short) for model in models)
    ]
    head = "\n".join(lines)
    if not any(model.startswith(short) for short in HUB_IDS for model in models):
        head = head.replace("datasets:\n", "")
    if space_id is not None:
        place = f"https://huggingface.co/spaces/{space_id}/resolve/main/"
        head = re.sub(r"^thumbnail: ", f"thumbnail: {place}", head, flags=re.MULTILINE)
    kept = [part for part in re.split(r"^(?=## )", body, flags=re.MULTILINE) if _title(part) in SECTIONS]
    body = re.sub(r"^!\[[^\]]*\]\([^)]*\)\n+", "", "".join(kept), flags=re.MULTILINE)
    body = re.sub(r"\[([^\]]*)\]\(([^)\s]*)\)", lambda m: m[0] if "://" in m[2] or m[2] in files else m[1], body)
    return f"---\n{head}\n---\n{body}"


def _title(part: str) -> str:
    return part.splitlines()[0].removeprefix("## ") if part.startswith("## ") else ""


def of_one_model(text: str, model: str, hub_id: str, licence: str) -> str:
    """A Space's README for a model of one's own: its name, a link to it, and under which licence it is."""
    _, head, body = text.split("---\n", 2)
    fields = {
        "title": json.dumps(model),
        "short_description": json.dumps(f"Paint with the prototypes of {model}"[:SHORT]),
    }
    for name, value in fields.items():
        head = re.sub(rf"^{name}: .*$", lambda _, line=f"{name}: {value}": line, head, flags=re.MULTILINE)
    head = head.replace("tags:\n", f"models:\n  - {hub_id}\ntags:\n")
    parts = [part for part in re.split(r"^(?=## )", body, flags=re.MULTILINE) if _title(part) != "Licences"]
    licences = (
        f"## Licences\n\nThe app's code: Apache-2.0. The model is [{hub_id}](https://huggingface.co/{hub_id}), "
        f"whose card says what may be done with it (licence: {licence}).\n"
    )
    return f"---\n{head}---\n{''.join(parts)}{licences}"
