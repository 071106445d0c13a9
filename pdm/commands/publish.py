"""`python -m pdm publish`: a model of one's own onto the Hugging Face hub, and a Space that shows it."""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pdm.commands.parser import add_command
from pdm.commands.values import at_least

if TYPE_CHECKING:
    from pdm.making.licences import Licence
    from pdm.support.hub_upload import Hub, Repo

FEWEST = 10  # pictures that a map is made of


def add_publish(subparsers) -> None:
    parser = add_command(
        subparsers,
        "publish",
        publish,
        "put a model onto the Hugging Face hub, and a Space that shows it",
        "Upload a model's pipelines and map with a model card, in one commit; with --space a Space, too. Who is\n"
        "logged in there (`hf auth login`, or HF_TOKEN) publishes. Training images, logs, checkpoints and local paths\n"
        "stay here: the map shows pictures that the model paints. To look at it first, --dry-run DIR writes all of it\n"
        "to a folder. Then: python app.py --assets DIR",
        "publish my-model --to me/my-model --licence cc-by-4.0 --dry-run look-at-it",
    )
    option = parser.add_argument
    option("model", type=Path, metavar="FOLDER", help="the model's, with pdm/ in it, as `new` makes it")
    option("--to", required=True, metavar="OWNER/NAME", help="the repository on the hub")
    option(
        "--licence",
        "--license",
        metavar="NAME",
        help="what the model is published under: as the hub calls it (mit, cc-by-4.0, ...), or a file with the text",
    )
    option("--space", action="store_true", help="and a Space of the same name that shows the model")
    option("--private", action="store_true", help="for nobody else to see; a public repository is refused")
    option("--dry-run", type=Path, metavar="DIR", help="write it to this new or empty folder, and upload nothing")
    option("--results", type=Path, metavar="DIR", help="what `evaluate` wrote (default: results/NAME beside FOLDER)")
    option("--pictures", type=at_least(FEWEST), metavar="N", help="pictures to paint for the map (default: 1000)")
    option("--with-images", action="store_true", help="leave the map its small copies of your training images")


def publish(arguments: Namespace) -> str:
    from pdm.making.licences import licence
    from pdm.making.published import methods_in
    from pdm.support.hub_upload import Hub, check_repo_name
    from pdm.support.leftovers import recover

    folder, to = arguments.model, arguments.to
    check_repo_name("--to", to)
    under = licence(arguments.licence)
    for name in ("pdm", "rdm", "map", "classifier"):
        recover(folder / name)
    methods_in(folder)
    _check_results(arguments.results)
    if arguments.space:
        from pdm.commands.space import check_checkout

        check_checkout("--space")
    repos = _repos(to, space=arguments.space)
    if arguments.dry_run is not None:
        with _folder(arguments.dry_run) as stage:
            places = _written(arguments, under, stage)
            told = f"{_count(stage)}; look at it with: python app.py --assets {arguments.dry_run}"
        return f"wrote {', '.join(path.name + '/' for path in places)} to {arguments.dry_run}, {told}"
    hub = Hub()
    before = {repo: hub.files(repo, private=arguments.private) for repo in repos}
    with tempfile.TemporaryDirectory() as stage:
        places = _written(arguments, under, Path(stage))
        for repo, files in before.items():
            if files is None:
                hub.make(repo, private=arguments.private)
        return f"published {' and '.join(_filled(hub, before, places))}"


def _filled(hub: Hub, before: Mapping[Repo, frozenset[str] | None], places: Sequence[Path]) -> list[str]:
    """The addresses of the repositories, once each holds its folder; an error says which of them are there already."""
    urls: list[str] = []
    for (repo, files), place in zip(before.items(), places, strict=True):
        try:
            urls.append(hub.fill(repo, place, files))
        except ValueError as error:
            raise ValueError(f"{error}; published before that: {', '.join(urls)}" if urls else str(error)) from error
    return urls


def _repos(name: str, *, space: bool) -> list[Repo]:
    from pdm.methods import METHODS
    from pdm.support.hub_upload import Repo

    owned = tuple(f"{part}/" for part in (*METHODS, "map", "classifier"))
    model = Repo(name, "model", "pdm/model_index.json", owned)
    return [model, Repo(name, "space", "pdm/cli.py", ("pdm/", "assets/"))] if space else [model]


def _check_results(folder: Path | None) -> None:
    if folder is not None and not folder.is_dir():
        raise ValueError(f"--results {folder}: expected a folder of results, got none")


@contextmanager
def _folder(folder: Path) -> Iterator[Path]:
    """A new folder, whole or not there."""
    from pdm.commands.space import new_folder
    from pdm.support.files import atomic_folder

    out = new_folder("--dry-run", folder)
    with atomic_folder(out) as part:
        yield part


def _written(arguments: Namespace, under: Licence, stage: Path) -> list[Path]:
    """The folders of the model and its Space, with all that goes into each repository, inside `stage`."""
    from pdm.making.hub_card import Told, base_model, card_text
    from pdm.making.licences import FILE
    from pdm.making.published import PICTURES, results_of, write_published, write_results
    from pdm.results.shapes import SHIPPED

    folder, name = arguments.model, arguments.to.split("/")[1]
    if name == SHIPPED:
        raise ValueError(f"--to: expected another name than {SHIPPED!r}, which the app takes for measurements")
    out, results = stage / name, stage / SHIPPED / name
    pipeline = write_published(
        folder,
        out,
        with_images=arguments.with_images,
        pictures=arguments.pictures or PICTURES,
        say=lambda message: print(message, file=sys.stderr),
    )
    write_results(arguments.results or results_of(folder), results)
    told = Told(arguments.to, under, base_model(folder), arguments.with_images)
    (out / "README.md").write_text(card_text(out, pipeline, results, told), encoding="utf-8")
    if under.text is not None:
        (out / FILE).write_text(under.text, encoding="utf-8")
    return [out, _space(arguments.to, under, stage, name)] if arguments.space else [out]


def _space(to: str, under: Licence, stage: Path, name: str) -> Path:
    from pdm.commands.space import check_fits, of_one_model, space_files, space_texts, write_files

    check_fits(stage, name)
    files = space_files(stage, [name])
    texts = space_texts([name], set(files), to)
    texts["README.md"] = of_one_model(texts["README.md"], name, to, under.name)
    place = stage / f"{name}-space"
    write_files(place, files, texts)
    return place


def _count(folder: Path) -> str:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return f"{len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB"
