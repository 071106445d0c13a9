"""A run that starts from a trained model's weights instead of from none."""

import json
from dataclasses import replace

import pytest
import torch

from pdm.config import NETS
from pdm.pipelines.card import CARD
from pdm.pipelines.loading import load_pipeline
from pdm.support.files import write_json
from pdm.training.train import Trainer, train
from pdm.training.tune import Tuner, tune_config
from tests.tiny import banded, tiny_config

pytestmark = pytest.mark.usefixtures("small_grid")

# The bank's table of assignments is drawn anew by the seed of each run; all else that makes conditions is taken over.


@pytest.fixture(scope="module", params=["pdm", "rdm"])
def first(request, tmp_path_factory):
    """The method, its configuration for going on, and the folder of the model it goes on from."""
    config = tiny_config(request.param)
    folder = train(config, banded(), tmp_path_factory.mktemp("first"), cpu=True)
    return request.param, replace(config, start=str(folder), seed=1), folder


def test_it_begins_with_the_models_weights_and_conditions(first, tmp_path):
    method, config, folder = first
    trainer = Trainer(config, banded(), tmp_path, cpu=True)
    trainer.prepare_source()
    before, after = load_pipeline(folder, method), trainer.pipeline()
    for name in ("denoiser",) + (("bank",) if method == "pdm" else ("memory", "encoder")):
        theirs, ours = (p.components[name].state_dict() for p in (before, after))
        assert all(torch.equal(theirs[key], ours[key]) for key in theirs if "table" not in key), name


def test_its_prototypes_and_memory_stay_and_its_net_does_not(first, tmp_path):
    method, config, folder = first
    later = load_pipeline(train(config, banded(), tmp_path, cpu=True), method)
    before = load_pipeline(folder, method)
    part = "bank" if method == "pdm" else "memory"
    theirs, ours = (p.components[part].state_dict() for p in (before, later))
    assert all(torch.equal(theirs[key], ours[key]) for key in theirs if "table" not in key)
    theirs, ours = (p.denoiser.state_dict() for p in (before, later))
    assert not all(torch.equal(theirs[key], ours[key]) for key in theirs)


def test_its_way_with_large_pictures_stays(first, tmp_path):
    method, config, folder = first
    pipeline = load_pipeline(folder, method)
    pipeline.register_to_config(tiling="windows")
    pipeline.save_pretrained(tmp_path / "windows")
    write_json(tmp_path / "windows" / CARD, json.loads((folder / CARD).read_text()))
    for start, tiling in ((folder, "mosaic"), (tmp_path / "windows", "windows")):
        trainer = Trainer(replace(config, start=str(start), tiling="whole"), banded(), tmp_path / tiling, cpu=True)
        trainer.prepare_source()
        assert trainer.pipeline().config.tiling == tiling


def test_its_prototypes_settle_for_as_many_steps_as_asked_and_then_stay(tmp_path):
    config = tiny_config("pdm")
    folder = train(config, banded(), tmp_path / "first", cpu=True)
    settling = replace(config, start=str(folder), prototypes=replace(config.prototypes, settle_steps=4))
    trainer = Trainer(settling, banded(), tmp_path / "second", cpu=True)
    trainer.prepare_source()
    assert trainer.source.steps == 4
    settled = trainer.source.bank.vectors.detach().clone()
    assert not torch.equal(settled, load_pipeline(folder, "pdm").bank.vectors)
    trainer.train_step()
    assert torch.equal(settled, trainer.source.bank.vectors)


def test_its_card_counts_what_the_model_had_seen_and_names_it(first, tmp_path):
    _, config, folder = first
    train(config, banded(), tmp_path, cpu=True)
    theirs, ours = (json.loads((f / "training_card.json").read_text()) for f in (folder, tmp_path))
    assert ours["images_seen"] == 2 * theirs["images_seen"] == 96
    assert ours["started_from"]["images_seen"] == 48 and ours["started_from"]["seed"] == 0
    assert theirs["started_from"] is None


@pytest.mark.parametrize("settle_steps", [0, 1, 3])
def test_it_goes_on_after_a_stop_as_if_there_had_been_none(first, settle_steps, tmp_path):
    method, config, _ = first
    config = replace(config, prototypes=replace(config.prototypes, settle_steps=settle_steps))
    whole = Trainer(config, banded(), tmp_path / "whole", cpu=True)
    whole.run()
    Trainer(config, banded(), tmp_path / "parts", cpu=True).run(max_minutes=1e-9)
    rest = Trainer(config, banded(), tmp_path / "parts", cpu=True)
    stopped_early = method == "pdm" and settle_steps == 3  # after the first of them
    assert rest.resume() and rest.progress.steps == (0 if stopped_early else 1)
    assert rest.source.prepared != stopped_early
    rest.run()
    ours, theirs = (t.pipeline().denoiser.state_dict() for t in (rest, whole))
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_another_net_is_refused(first, tmp_path):
    _, config, _ = first
    with pytest.raises(
        ValueError, match="model to start from: expected the net of preset 'tiny' for these images, got another in"
    ):
        train(replace(config, net=NETS["small"]), banded(), tmp_path / "new", cpu=True)
    assert not (tmp_path / "new").exists()


def test_a_new_net_takes_what_fills_the_condition_alone(first, tmp_path):
    method, config, folder = first
    net = replace(config.net, layers_per_block=2)
    later = train(replace(config, net=net, new_net=True), banded(), tmp_path, cpu=True)
    before, after = load_pipeline(folder, method), load_pipeline(later, method)
    assert after.denoiser.config["layers_per_block"] == 2 != before.denoiser.config["layers_per_block"]
    for name in ("bank",) if method == "pdm" else ("memory", "encoder"):
        theirs, ours = (p.components[name].state_dict() for p in (before, after))
        assert all(torch.equal(theirs[key], ours[key]) for key in theirs if "table" not in key), name
    card = json.loads((tmp_path / CARD).read_text())
    assert card["images_seen"] == config.optim.images == 48 and card["started_from"] is None


def test_a_net_begins_with_the_weights_of_another_models(first, tmp_path):
    """The rest is the run's own: prototypes or a memory of its images, and a card that counts what these taught it."""
    method, config, folder = first
    config = replace(config, start=None, net_from=str(folder))
    trainer = Trainer(config, replace(banded(seed=9), name="others"), tmp_path, cpu=True)
    theirs, ours = load_pipeline(folder, method).denoiser.state_dict(), trainer.denoiser.state_dict()
    assert all(torch.equal(theirs[key], ours[key]) for key in theirs)
    assert trainer.start_pipeline is None
    trainer.run()
    trainer.export(tmp_path / "pipeline")
    ours = load_pipeline(tmp_path / "pipeline", method).denoiser.state_dict()
    assert not all(torch.equal(theirs[key], ours[key]) for key in theirs)
    card = json.loads((tmp_path / CARD).read_text())
    assert card["images_seen"] == 48 and card["started_from"] is None
    assert card["net_from"]["data_set"] == "banded" and card["net_from"]["images_seen"] == 48
    assert "losses" not in card["net_from"]
    on = Trainer(
        replace(config, start=str(tmp_path / "pipeline"), net_from=None), trainer.data, tmp_path / "on", cpu=True
    )
    assert on.card()["net_from"] == card["net_from"]  # whoever goes on from it still says where it began


def test_prototypes_of_one_model_and_the_net_of_another(first, tmp_path):
    method, config, folder = first
    other = train(replace(config, start=None, seed=3), banded(), tmp_path / "other", cpu=True)
    trainer = Trainer(replace(config, net_from=str(other)), banded(), tmp_path / "both", cpu=True)
    theirs, ours = load_pipeline(other, method).denoiser.state_dict(), trainer.denoiser.state_dict()
    assert all(torch.equal(theirs[key], ours[key]) for key in theirs)
    assert trainer.start_pipeline is not None and not trainer.start_card
    trainer.prepare_source()
    if method == "pdm":
        assert torch.equal(trainer.source.bank.vectors, load_pipeline(folder, "pdm").bank.vectors)


def test_the_weights_of_another_net_are_refused(first, tmp_path):
    _, config, folder = first
    config = replace(config, start=None, net_from=str(folder), net=NETS["small"])
    expected = "model to start from: expected the net of preset 'tiny' for these images, got another in"
    with pytest.raises(ValueError, match=expected):
        train(config, banded(), tmp_path / "new", cpu=True)
    assert not (tmp_path / "new").exists()


def test_a_student_of_a_new_net_begins_with_its_weights(first, tmp_path):
    method, config, _ = first
    teacher = train(replace(config, new_net=True), banded(), tmp_path / "teacher", cpu=True)
    tuner = Tuner(tune_config(teacher, method=method), banded(), tmp_path / "student", cpu=True)
    theirs, ours = load_pipeline(teacher, method).denoiser.state_dict(), tuner.denoiser.state_dict()
    assert all(torch.equal(theirs[key], ours[key]) for key in theirs)


def test_other_prototypes_or_a_memory_of_other_images_are_refused(first, tmp_path):
    method, config, _ = first
    if method == "pdm":
        config = replace(config, prototypes=replace(config.prototypes, count=5))
        expected = "model to start from: expected prototypes with count 5, got 8"
    else:
        expected = "model to start from: expected a memory of images of 'banded', got one of others"
    trainer = Trainer(config, banded(seed=9), tmp_path, cpu=True)
    with pytest.raises(ValueError, match=expected):
        trainer.prepare_source()


def test_a_model_of_the_other_method_is_refused(first, tmp_path):
    method, config, _ = first
    with pytest.raises(ValueError, match="for method"):
        Trainer(replace(config, method="rdm" if method == "pdm" else "pdm"), banded(), tmp_path, cpu=True)
