"""Configurations: a table of presets that survives JSON and refuses what it does not know."""

import dataclasses
import json

import pytest

from pdm.config import NETS, PRESETS, TrainConfig, preset


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_survives_json(name):
    config = preset(name)
    assert config.preset == name
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_keys_that_do_not_belong_are_refused_at_any_depth():
    values = preset("pdm").to_dict()
    for part in (values, values["prototypes"]):
        part["colour"] = 3
        with pytest.raises(ValueError, match="expected a training configuration of this version.*colour"):
            TrainConfig.from_dict(values)
        del part["colour"]
    assert TrainConfig.from_dict(values) == preset("pdm")


def test_an_ablation_changes_the_objective_or_the_net_and_nothing_else():
    base, mixed = preset("pdm"), preset("pdm", objective="paper", net="base")
    assert mixed.prototypes == PRESETS["paper"].prototypes and mixed.net == NETS["base"]
    assert dataclasses.replace(mixed, prototypes=base.prototypes, net=base.net) == base
    assert PRESETS["pdm"].prototypes.objective == "balanced"  # the table itself is untouched


@pytest.mark.parametrize(
    ("arguments", "field"),
    [(("pmd",), "preset"), (("pdm", "swav"), "objective"), (("pdm", None, "huge"), "net")],
)
def test_unknown_names_are_refused_with_the_known_ones(arguments, field):
    with pytest.raises(ValueError, match=f"^{field}: expected one of .*got '{arguments[-1]}'"):
        preset(*arguments)


def test_the_paper_preset_is_the_published_set_up():
    paper = preset("paper")
    assert (paper.optim.learning_rate, paper.optim.batch_size, paper.diffusion.chain_steps) == (1e-4, 64, 2000)
    assert (paper.prototypes.tau, paper.prototypes.alpha, paper.prototypes.beta) == (1, 1, 1)
    assert paper.prototypes.tokens == 1 and paper.diffusion.time_in_token and paper.diffusion.condition_dropout == 0
    assert preset("s-paper").prototypes.supervised and not paper.prototypes.supervised


def test_configurations_cannot_be_changed_in_place():
    with pytest.raises(dataclasses.FrozenInstanceError):
        preset("pdm").seed = 1
