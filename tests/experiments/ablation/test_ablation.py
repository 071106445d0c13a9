"""The table of the ablation: a row differs from the default in exactly what its name says."""

from dataclasses import replace

import pytest
import torch

from pdm.config import PRESETS
from pdm.evaluation.drawing import Sampling, Variant
from pdm.experiments.ablation.ablate import drawn_with, rare, uniform
from pdm.experiments.ablation.ablation_table import table
from pdm.experiments.ablation.rows import DEFAULT, MEMORY, PROTOTYPES, ROWS, RUNS, chosen_rows

PUBLISHED = {
    "prototypes.objective": "paper",
    "prototypes.count": 15,
    "prototypes.tokens": 1,
    "prototypes.nearest_only": 1.0,
    "prototypes.blended": 0.0,
    "prototypes.warmup_steps": 0,
    "prototypes.learning_rate": 1e-4,
    "prototypes.frozen_from": 1.0,
    "diffusion.preconditioning": "vp",
    "diffusion.condition_dropout": 0.0,
    "diffusion.time_in_token": True,
}
CHANGES = {
    "unconditional": {"method": "unconditional"},
    "paper": PUBLISHED,
    "paper-edm": {key: value for key, value in PUBLISHED.items() if key.startswith("prototypes.")},
    "pdm-1-token": {"prototypes.tokens": 1},
    "pdm": {},
    "rdm": {"method": "rdm"},
    "s-pdm": {"prototypes.supervised": True},
    "protodiffusion": {"prototypes.supervised": True, "prototypes.blended": 0.0, "prototypes.frozen_from": 0.0},
    "rdm-k1": {"method": "rdm", "memory.neighbours": 1},
    "rdm-k8": {"method": "rdm", "memory.neighbours": 8},
    "pdm-muon": {"optim.optimizer": "muon"},
    "pdm-K8": {"prototypes.count": 8},
    "pdm-K32": {"prototypes.count": 32},
    "pdm-K128": {"prototypes.count": 128},
    "pdm-K256": {"prototypes.count": 256},
}


def flat(values: dict, prefix: str = "") -> dict:
    found = {}
    for name, value in values.items():
        found |= flat(value, f"{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


@pytest.mark.parametrize("name", RUNS)
def test_a_run_differs_from_the_default_in_exactly_what_its_name_says(name):
    default, config = (flat(RUNS[run].config("tiny", 50_000, 32, 1).to_dict()) for run in (DEFAULT, name))
    changed = {key: value for key, value in config.items() if value != default[key]}
    assert changed.pop("preset", DEFAULT) == RUNS[name].preset
    assert changed == CHANGES[name]
    assert (config["optim.images"], config["optim.warmup_images"], config["seed"]) == (50_000, 2500, 1)


def test_the_default_run_is_the_default_preset_by_adamw_and_but_for_shorter_preparations():
    run = RUNS[DEFAULT].config("small", PRESETS["pdm"].optim.images, 32, 0)
    prototypes, memory = (
        replace(part, **shorter)
        for part, shorter in zip((PRESETS["pdm"].prototypes, PRESETS["pdm"].memory), (PROTOTYPES, MEMORY), strict=True)
    )
    optim = replace(PRESETS["pdm"].optim, optimizer="adamw")  # as in the row beside it, by Muon, it is not
    assert run == replace(PRESETS["pdm"], prototypes=prototypes, memory=memory, optim=optim)


def test_two_seeds_are_trained_of_what_the_conclusions_rest_on():
    assert [name for name, run in RUNS.items() if run.seeds == 2] == [
        "unconditional",
        "paper",
        "paper-edm",
        "pdm-1-token",
        "pdm",
        "rdm",
        "pdm-muon",
    ]
    assert sum(run.seeds for run in RUNS.values()) == 22


def test_every_run_has_a_row_and_every_row_can_be_drawn():
    assert {row.run for row in ROWS.values()} == set(RUNS)
    for name, row in ROWS.items():
        Variant(name, **row.variant)
        Sampling(**row.sampling)
        assert row.frequencies in ("data", "uniform", "rare")


def test_rows_of_the_default_run_differ_from_it_in_drawing_alone():
    drawn = {
        name: (dict(row.variant), dict(row.sampling), row.frequencies) for name, row in ROWS.items() if row.run == "pdm"
    }
    assert drawn == {
        "pdm": ({}, {}, "data"),
        "pdm-uniform": ({}, {}, "uniform"),
        "pdm-rare": ({}, {}, "rare"),
        "pdm-guidance-1.5": ({}, {"guidance": 1.5}, "data"),
        "pdm-guidance-2": ({}, {"guidance": 2.0}, "data"),
        "pdm-guidance-3": ({}, {"guidance": 3.0}, "data"),
        "pdm-guidance-interval": ({}, {"guidance": 2.0, "guidance_interval": (0.2, 5.0)}, "data"),
    }


def test_rows_are_all_or_the_named_ones_in_the_order_of_the_table():
    assert chosen_rows(None) == list(ROWS)
    assert chosen_rows("rdm-whole, pdm") == ["pdm", "rdm-whole"]
    with pytest.raises(ValueError, match="^--only: expected some of unconditional, .*, got 'gan'"):
        chosen_rows("pdm,gan")


def test_uniform_and_rare_draws_are_those_of_the_table_and_leave_the_pipeline_as_it_was(pdm_pipeline):
    before = pdm_pipeline.bank.table.ids.clone()
    usage = pdm_pipeline.bank.usage
    least = set(usage.argsort(stable=True)[:2].tolist())
    for frequencies, shares in (("uniform", uniform), ("rare", rare)):
        bank = drawn_with(pdm_pipeline, frequencies).bank
        first = torch.bincount(bank.table.ids[:, 0].long(), minlength=8) / len(bank.table)
        assert torch.allclose(first, shares(pdm_pipeline.bank), atol=2 / len(bank.table))
        assert set(first.nonzero()[:, 0].tolist()) == (set(range(8)) if frequencies == "uniform" else least)
    assert torch.equal(pdm_pipeline.bank.table.ids, before)
    assert drawn_with(pdm_pipeline, "data") is pdm_pipeline


def test_the_printed_table_marks_what_is_no_difference_and_leaves_out_what_was_not_measured():
    rows = {
        "pdm": {
            "what": "the default",
            "numbers": {"frechet": 5.0, "nmi": 0.5},
            "seeds": [{}, {}],
            "differs": {"frechet": False},  # from itself: not worth a mark
        },
        "rdm-whole": {"what": "RDM", "numbers": {"frechet": 5.04}, "seeds": [{}], "differs": {"frechet": False}},
        "paper-kept": {"what": "it", "numbers": {"frechet": 9.0}, "seeds": [{}], "differs": {"frechet": True}},
    }
    head, *lines = (line.split() for line in table({"rows": rows}).splitlines())
    assert head[:4] == ["row", "seeds", "Frechet", "kernel"]
    assert [line[:3] for line in lines] == [
        ["pdm", "2", "5.00"],
        ["rdm-whole", "1", "=5.04"],
        ["paper-kept", "1", "9.00"],
    ]
    assert lines[0].count("–") == 9 and lines[1].count("–") == 10 and lines[0][-2:] == ["the", "default"]
