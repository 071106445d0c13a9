"""The results of a model as they ship, assets/results/<model>/*.json: what each file must hold, and how to get it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pdm.data.known import HUB_IDS, SHIPPED_SETS
from pdm.results.versions import VERSIONS, read_results

SHIPPED = "results"  # the folder under assets/
STANDARD_NET = "InceptionV3 (FID)"  # the only feature net whose Frechet distance is called FID
Numbers = dict[str, float | None]  # by metric


class Shape(BaseModel):
    """What is read of a file; it may hold more."""

    model_config = ConfigDict(strict=True)


class Sampling(Shape):
    samples: int
    steps: int
    guidance: float
    seed: int
    sampler: str


class Reference(Shape):
    split: str
    images: int


class Bench(Shape):
    """Measurements by key, flat beside these."""

    model_config = ConfigDict(strict=True, extra="allow")
    __pydantic_extra__: Numbers  # pyright: ignore[reportIncompatibleVariableOverride] - as pydantic wants it

    version: int
    command: str
    data_set: str | None = None  # that the model was trained on
    machine: dict[str, Any]
    settings: dict[str, dict[str, Any]]


class Evaluation(Shape):
    command: str
    feature_net: str
    reference: Reference
    sampling: Sampling
    quality: dict[str, Numbers]
    noise_floor: dict[str, Numbers] = {}
    train_test_frechet: float


class AblationRow(Shape):
    what: str
    numbers: Numbers
    seeds: list[Numbers]
    differs: dict[str, bool] = {}


class AblationSettings(Shape):
    net: str
    optimiser: dict[str, Any]
    feature_net: str
    reference: Reference
    sampling: Sampling


class Ablation(Shape):
    command: str
    settings: AblationSettings
    noise_floor: Numbers | None
    rows: dict[str, AblationRow]


class BatchTime(Shape):
    batch: int
    seconds: float
    spread: float | None = None


class StepsTime(Shape):
    steps: int
    seconds: float
    spread: float | None = None


class FrechetAt(Shape):
    sampler: str
    steps: int
    frechet: float


class Lookup(Shape):
    """`measured` is false where bytes were computed and nothing was timed."""

    what: str
    entries: int
    measured: bool
    ms: float | None = None
    recall: float | None = None
    ram_bytes: int | None = None
    disk_bytes: int | None = None


Row = TypeVar("Row", bound=Shape)


class Curve(Shape, Generic[Row]):
    command: str
    settings: dict[str, Any]
    rows: list[Row]


class Measured(Shape):
    """Any of them may not be measured yet."""

    time_by_batch: Curve[BatchTime] | None = None
    time_by_steps: Curve[StepsTime] | None = None
    frechet_by_steps: Curve[FrechetAt] | None = None
    lookup: Curve[Lookup] | None = None


class Curves(Shape):
    machine: dict[str, Any]
    curves: Measured


@dataclass(frozen=True)
class Kind:
    """One of the files. `measured_by` is the command that writes it, for a model, a data set and a folder `out`."""

    name: str
    shape: type[Shape]
    measured_by: str

    @property
    def file(self) -> str:
        return f"{self.name}.json"

    @property
    def writer(self) -> str:
        """One of `VERSIONS`."""
        return self.measured_by.split()[0]

    def command(self, model: str) -> str:
        data = next((data for data in (*HUB_IDS, *SHIPPED_SETS) if model.startswith(data)), "DATA")
        out = "-".join(["runs/" + model, *self.name.split("-")[1:]])
        return f"python -m pdm {self.measured_by.format(model=model, data=data, out=out)}"


def _evaluation(name: str, options: str = "") -> Kind:
    return Kind(name, Evaluation, f"evaluate --model {{model}} --data {{data}}{options} --out {{out}}")


_IMAGENET = " --features efficientnet-lite0 --samples 2000"
_GUIDED = " --guidance own"
KINDS = {
    kind.name: kind
    for kind in (
        Kind("bench", Bench, "bench --json {out}/bench.json --assets assets/{model} --data {data}"),
        _evaluation("evaluation", " --noise-floor"),
        _evaluation("evaluation-rdm", " --method rdm"),
        _evaluation("evaluation-guided", _GUIDED),
        _evaluation("evaluation-rdm-guided", " --method rdm" + _GUIDED),
        _evaluation("evaluation-queries", " --queries-of {model}"),
        _evaluation("evaluation-imagenet", _IMAGENET + " --noise-floor"),
        _evaluation("evaluation-rdm-imagenet", " --method rdm" + _IMAGENET),
        _evaluation("evaluation-imagenet-guided", _IMAGENET + _GUIDED),
        _evaluation("evaluation-rdm-imagenet-guided", " --method rdm" + _IMAGENET + _GUIDED),
        Kind("ablation", Ablation, "ablate --data {data} --out {out}"),
        Kind("curves", Curves, "curves --model {model} --json {out}/curves.json"),
    )
}


def read_shipped(folder: Path, name: str) -> dict | None:
    """A file of results in a folder, None where it is missing.

    `name`: one of `KINDS`. Raises ValueError in one line for a damaged file, and for one of another version or shape.
    """
    kind = KINDS[name]
    path = Path(folder) / kind.file
    values = read_results(path, VERSIONS[kind.writer])
    if values is None:
        return None
    try:
        kind.shape.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        said = f"{first['msg'][:1].lower()}{first['msg'][1:]}"
        raise ValueError(
            f"{path}: expected results as {kind.writer} writes them, got another {where} ({said})"
        ) from error
    return values


def distance_name(feature_net: str) -> str:
    """What a Frechet distance on a net's features may be called."""
    return "FID" if feature_net == STANDARD_NET else "Frechet distance"
