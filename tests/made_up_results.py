"""Files of results as the commands write them, small and made up."""

from __future__ import annotations

import json
from pathlib import Path

SAMPLING = {"samples": 5000, "steps": 10, "guidance": 1.0, "seed": 0, "sampler": "dpm++2m", "batch_size": 100}
REFERENCE = {"split": "train", "images": 60000}

BENCH = {
    "version": 1,
    "command": "python -m pdm bench --json x",
    "data_set": "tiny",
    "prototypes.used": 64,
    "prototypes.nmi": None,
    "speed.vs_paper": 512.4,
    "condition.pdm_ms": 0.071,
    "condition.rdm_ms": 0.6,
    "machine": {"cpu": "a machine", "device": "cpu", "threads": 2, "precision": "bfloat16"},
    "settings": {"speed": {"images": 16}},
}


def quality(frechet: float) -> dict:
    return {
        "frechet": frechet,
        "kernel_mean": 0.012,
        "kernel_sd": 0.003,
        "classifier_score": 7.5,
        "classifier_score_sd": 0.1,
        "precision": 0.71,
        "recall": 0.62,
        "density": 0.9,
        "coverage": 0.88,
        "memorised_share": 0.01,
    }


EVALUATION = {
    "version": 2,
    "command": "python -m pdm evaluate --model tiny --out x",
    "feature_net": "tiny-classifier",
    "reference": REFERENCE,
    "sampling": SAMPLING,
    "quality": {"pdm": quality(0.73), "unconditional": quality(4.85)},
    "noise_floor": {"pdm": {"frechet": 0.15, "kernel_mean": 0.001}},
    "train_test_frechet": 0.02,
}
ABLATION = {
    "version": 1,
    "command": "python -m pdm ablate --out x",
    "settings": {
        "net": "tiny",
        "optimiser": {"images": 200000},
        "feature_net": "tiny-classifier",
        "reference": REFERENCE,
        "sampling": SAMPLING,
    },
    "noise_floor": {"frechet": 0.3},
    "rows": {
        "pdm": {
            "what": "the default",
            "numbers": {"frechet": 5.0, "nmi": 0.5},
            "seeds": [{"frechet": 4.85}, {"frechet": 5.15}],
            "differs": {"frechet": False},
        },
        "rdm-whole": {
            "what": "RDM",
            "numbers": {"frechet": 5.2},
            "seeds": [{"frechet": 5.2}],
            "differs": {"frechet": False},
        },
        "paper-kept": {
            "what": "published <PDM>",
            "numbers": {"frechet": 60.0},
            "seeds": [{"frechet": 59.0}, {"frechet": 61.0}],
            "differs": {"frechet": True},
        },
    },
}
CURVES = {
    "version": 1,
    "machine": {"cpu": "a machine"},
    "curves": {
        "time_by_batch": {
            "command": "python -m pdm curves --only time_by_batch",
            "settings": {"steps": 10},
            "rows": [{"batch": 1, "seconds": 0.2, "spread": 0.01}, {"batch": 16, "seconds": 0.8, "spread": 0.02}],
        },
        "time_by_steps": {
            "command": "python -m pdm curves --only time_by_steps",
            "settings": {"batch": 16},
            "rows": [{"steps": 2, "seconds": 0.1, "spread": 0.01}, {"steps": 10, "seconds": 0.8, "spread": 0.02}],
        },
        "frechet_by_steps": {
            "command": "python -m pdm curves --only frechet_by_steps",
            "settings": {"samples": 2000, "feature_net": "tiny-classifier", "reference": "train", "seed": 0},
            "rows": [
                {"sampler": "dpm++2m", "steps": 10, "frechet": 0.8},
                {"sampler": "dpm++2m", "steps": 2, "frechet": 9.1},
                {"sampler": "student", "steps": 1, "frechet": 0.98},
            ],
        },
        "lookup": {
            "command": "python -m pdm curves --only lookup",
            "settings": {},
            "rows": [
                {
                    "what": "exact",
                    "entries": 10000,
                    "ms": 0.5,
                    "recall": 1.0,
                    "ram_bytes": 5120000,
                    "disk_bytes": 2560000,
                    "measured": True,
                },
                {
                    "what": "exact",
                    "entries": 10000000,
                    "ram_bytes": 5120000000,
                    "disk_bytes": 2560000000,
                    "measured": False,
                },
                {
                    "what": "prototypes",
                    "entries": 64,
                    "ms": 0.06,
                    "recall": None,
                    "ram_bytes": 49152,
                    "disk_bytes": 49152,
                    "measured": True,
                },
            ],
        },
    },
}


def results_folder(folder: Path, **files: dict) -> Path:
    """A folder with these files of results: `bench=BENCH` is bench.json."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in files.items():
        (folder / f"{name}.json").write_text(json.dumps(values))
    return folder
