"""Train and evaluate the rows of the ablation one after another. A run that was stopped can go on where it was."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

from pdm.config import TrainConfig
from pdm.data.images import ImageData
from pdm.evaluation.differences import differs, noise_floor
from pdm.evaluation.drawing import Pipeline, Sampling, Variant
from pdm.evaluation.evaluate import evaluate
from pdm.evaluation.references import References
from pdm.experiments.ablation.rows import DEFAULT, ROWS, RUNS, Row
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.card import CARD
from pdm.pipelines.loading import PIPELINE, load_pipeline
from pdm.pipelines.pdm import PDMPipeline
from pdm.results.versions import VERSIONS, read_results
from pdm.support.device import fastest_dtype
from pdm.support.files import as_json, write_json
from pdm.training.train import train

RESULTS = "ablation.json"
VERSION = VERSIONS["ablate"]
FIDELITY = {"fidelity_top1": "top1", "fidelity_top5": "top5"}
PROTOTYPES = {"prototypes_used": "used", "usage_perplexity": "perplexity", "nmi": "nmi"}


@dataclass(frozen=True)
class Ablation:
    """What all rows share. Trainings lie in `out`/runs, evaluations in `out`/rows, a folder a seed."""

    out: Path
    data: ImageData
    references: References
    net: str
    images: int
    sampling: Sampling
    device: torch.device
    command: str  # without --only
    per_prototype: int = 16
    quiet: bool = False

    @property
    def settings(self) -> dict:
        """Everything that the numbers depend on."""
        config = RUNS[DEFAULT].config(self.net, self.images, self.size, 0)
        return {
            "data_set": self.data.name,
            "data_hash": self.data.hash(),
            "net": self.net,
            "optimiser": asdict(config.optim),
            "feature_net": self.references.net.config.name,
            "reference": {"split": self.references.split, "images": len(self.references.features)},
            "sampling": asdict(self.sampling),
            "precision": self.precision,
        }

    @property
    def precision(self) -> str:
        """What nets learn and paint in on this device."""
        return str(fastest_dtype(self.device)).removeprefix("torch.")

    @property
    def size(self) -> int:
        return self.data.images.shape[-1]

    def trained(self, run: str, seed: int, max_minutes: float) -> dict | None:
        """The training card of a run once all its images are seen; None where the time was up before."""
        folder, config = self.run_folder(run, seed), RUNS[run].config(self.net, self.images, self.size, seed)
        card = finished_card(folder, config)
        if card is None:
            train(config, self.data, folder, max_minutes=max_minutes, cpu=self.device.type == "cpu")
            PartialState().wait_for_everyone()
            card = finished_card(folder, config)
        return card

    def run_folder(self, run: str, seed: int) -> Path:
        return self.out / "runs" / f"{run}-seed{seed}"

    def measured(self, name: str, seed: int) -> dict[str, float]:
        """The numbers of one row and seed, with samples of its own."""
        row = ROWS[name]
        method = RUNS[row.run].config(self.net, self.images, self.size, seed).method
        folder = self.run_folder(row.run, seed) / PIPELINE
        pipeline = load_pipeline(folder, method, self.device, fastest_dtype(self.device))
        first = self.sampling.seed + seed * self.sampling.samples
        out = self.out / "rows" / f"{name}-seed{seed}"
        results = evaluate(
            drawn_with(pipeline, row.frequencies),
            self.data,
            {out: self.references},
            replace(self.sampling, seed=first, **row.sampling),
            variants=(Variant(name, **row.variant),),
            per_prototype=self.per_prototype,
            about={"command": self.row_command(name)},
            quiet=self.quiet,
        )
        return flat(results[out], name)

    def row_command(self, name: str) -> str:
        return f"{self.command} --only {name}"


def ablate(ablation: Ablation, names: Sequence[str], *, max_minutes: float = float("inf")) -> tuple[dict, list[str]]:
    """Train and measure the named rows; returns the results, as written to ablation.json, and the rows that are left.

    Raises ValueError where `out` holds an ablation of other settings.
    """
    started, path = time.monotonic(), ablation.out / RESULTS
    results = _started(path, ablation)
    processes = PartialState(cpu=ablation.device.type == "cpu")
    for name in names:
        row, cards, numbers = ROWS[name], [], []
        for seed in range(RUNS[row.run].seeds):
            _say(processes, f"ablate: {name}, seed {seed}")
            left = agreed(max_minutes - (time.monotonic() - started) / 60)
            card = ablation.trained(row.run, seed, left) if left > 0 else None
            if card is None:
                return results, list(names[names.index(name) :])
            cards.append(card)
            numbers.append(ablation.measured(name, seed))
        own = {"precision": ablation.precision, "command": ablation.row_command(name)}
        results["rows"][name] = _entry(row, cards, numbers) | own
        results["rows"] = {known: results["rows"][known] for known in ROWS if known in results["rows"]}
        _compare(results)
        if processes.is_main_process:
            write_json(path, results)
    processes.wait_for_everyone()
    return results, []


def _started(path: Path, ablation: Ablation) -> dict:
    results = read_results(path, VERSION)
    settings = as_json(ablation.settings)
    if results is None:
        return {"version": VERSION, "command": ablation.command, "settings": settings, "noise_floor": None, "rows": {}}
    # A row may be added on another device, which may have another precision: the row says so.
    other = [name for name in settings if name != "precision" and results["settings"].get(name) != settings[name]]
    if other:
        raise ValueError(
            f"{path}: expected an ablation of these settings, got one of others ({', '.join(other)}); "
            "choose another --out, or the same options"
        )
    return results


def _say(processes: PartialState, line: str) -> None:
    if processes.is_main_process:
        print(line, flush=True)


def agreed(minutes: float) -> float:
    """The first process's clock for all of them: they must agree on when to stop."""
    return broadcast_object_list([minutes])[0]


def finished_card(folder: Path, config: TrainConfig) -> dict | None:
    """The training card of a run that has seen all its images; raises ValueError for one of another configuration."""
    path = folder / PIPELINE / CARD
    if not path.is_file():
        return None
    card = json.loads(path.read_text())
    if card["config"] != as_json(config.to_dict()):
        raise ValueError(
            f"{folder}: expected a run of this configuration, got one of other settings; choose another --out"
        )
    return card if card["images_seen"] >= config.optim.images else None


def drawn_with(pipeline: Pipeline, frequencies: str) -> Pipeline:
    """The pipeline, with another table of assignments where prototypes are not drawn as frequently as in the data."""
    if frequencies == "data":
        return pipeline
    bank = deepcopy(pipeline.bank)
    bank.table = bank.table.resampled(FREQUENCIES[frequencies](bank))
    changed = PDMPipeline(pipeline.denoiser, bank, pipeline.scheduler)
    changed.set_progress_bar_config(disable=True)
    return changed


def uniform(bank: PrototypeBank) -> torch.Tensor:
    """Equal shares (K,)."""
    return torch.full((bank.count,), 1 / bank.count)


def rare(bank: PrototypeBank) -> torch.Tensor:
    """Equal shares (K,) of the quarter that is least used in the data, none of the others."""
    few = bank.usage.argsort(stable=True)[: max(1, bank.count // 4)]
    return torch.zeros(bank.count).index_fill(0, few, 1 / len(few))


FREQUENCIES = {"uniform": uniform, "rare": rare}


def flat(result: dict, variant: str) -> dict[str, float]:
    """The numbers of one variant of an evaluation in a single dictionary."""
    numbers = dict(result["quality"][variant])
    for part, names in (("fidelity", FIDELITY), ("prototypes", PROTOTYPES)):
        if part in result:
            numbers |= {name: result[part][key] for name, key in names.items()}
    return numbers


def _entry(row: Row, cards: list[dict], seeds: list[dict[str, float]]) -> dict:
    """One row of ablation.json: `numbers` is the mean over its seeds, which stand beside it."""
    run = RUNS[row.run]
    objective = {} if run.objective is None else {"objective": run.objective}
    optimizer = {} if run.optimizer == RUNS[DEFAULT].optimizer else {"optimizer": run.optimizer}
    means = {}
    for name in seeds[0]:
        values = [numbers[name] for numbers in seeds]
        means[name] = None if None in values else sum(values) / len(values)
    return as_json(
        {
            "what": row.what,
            "run": {"name": row.run, "preset": run.preset, **objective, **run.prototypes, **run.memory, **optimizer},
            "drawn": {**row.variant, **row.sampling, "frequencies": row.frequencies},
            "numbers": means,
            "seeds": seeds,
            "noise_floor": noise_floor(*seeds[:2]) if len(seeds) > 1 else None,
            "images_seen": cards[0]["images_seen"],
            "minutes": [card["minutes"] for card in cards],
            "device": cards[0]["device"],
        }
    )


def _compare(results: dict) -> None:
    """Say of each number whether it differs from the default's by more than the seeds of either do."""
    default = results["rows"].get(DEFAULT)
    results["noise_floor"] = default and default["noise_floor"]
    for entry in results["rows"].values() if default else ():
        own = entry["noise_floor"] or {}
        entry["differs"] = {
            name: differs(entry["numbers"][name], default["numbers"][name], max(floor, own.get(name, 0.0)))
            for name, floor in default["noise_floor"].items()
            if entry["numbers"].get(name) is not None
        }
