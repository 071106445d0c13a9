"""Configurations: a table of presets that survives JSON and refuses what it does not know."""

import dataclasses
import json

import pytest

from pdm.config import NETS, PRESETS, TrainConfig, data_of, preset
from pdm.model.denoiser import build_denoiser
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.checks import DEFAULT_TILING
from pdm.pipelines.pdm import PDMPipeline
from pdm.sampling.solvers import make_scheduler
from pdm.support.paths import ASSETS


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


COLOUR = [name for name in PRESETS if data_of(name) != "fashion-mnist"]


@pytest.mark.parametrize("name", COLOUR)
def test_colour_presets_keep_within_the_size_that_ships_and_paint(name):
    config = preset(name)
    options = {"channels": 3, "size": config.image_size, "token_dim": config.prototypes.dim}
    denoiser = build_denoiser(config.net, config.diffusion, **options).eval()
    assert sum(p.numel() for p in denoiser.parameters()) < {32: 12e6, 64: 15e6, 96: 15e6}[config.image_size]
    prototypes = config.prototypes
    bank = PrototypeBank(
        3, config.image_size, prototypes.count, prototypes.dim, width=prototypes.width, energies=prototypes.energies
    )
    bank.eval()
    pipeline = PDMPipeline(denoiser, bank, make_scheduler())
    pipeline.set_progress_bar_config(disable=True)
    picture = pipeline(prototypes=[0], num_inference_steps=1, output_type="pt").images
    assert picture.shape == (1, 3, config.image_size, config.image_size) and picture.float().std() > 0


def test_colour_variants_differ_in_nothing_but_what_fills_the_condition():
    for name in (
        "eurosat-64",
        "eurosat-64-cpu",
        "cifar10-32",
        "cifar10-32-cpu",
        "emoji",
        "emoji-cpu",
        "stl10-96",
        "celeba-64",
    ):
        pdm, supervised, *others = (preset(name + v) for v in ("", "-s-pdm", "-rdm", "-unconditional"))
        assert [other.method for other in others] == ["rdm", "unconditional"]
        assert all(dataclasses.replace(other, preset=name, method="pdm") == pdm for other in others)
        assert dataclasses.replace(supervised, preset=name, prototypes=pdm.prototypes) == pdm
        assert supervised.prototypes == dataclasses.replace(pdm.prototypes, supervised=True)
        assert pdm.prototypes.count == {"eurosat": 64}.get(data_of(name), 128)


def test_shipped_models_paint_large_pictures_as_their_presets_say():
    names = {"emoji": "emoji", "eurosat": "eurosat-64-cpu", "cifar10": "cifar10-32-cpu", "fashion-mnist": "pdm"}
    for model, name in names.items():
        for method in ("pdm", "rdm"):
            index = json.loads((ASSETS / model / method / "model_index.json").read_text())
            assert index.get("tiling", DEFAULT_TILING) == preset(name).tiling, (model, method)


def test_a_preset_knows_the_data_set_it_is_for():
    of = {"pdm": "fashion-mnist", "eurosat-64-cpu-rdm": "eurosat", "cifar10-32": "cifar10", "emoji-rdm": "emoji"}
    of |= {"stl10-96": "stl10", "tiny-imagenet-64-s-pdm": "tiny-imagenet", "celeba-64-rdm": "celeba"}
    assert {name: data_of(name) for name in of} == of
