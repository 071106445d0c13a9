"""`python -m pdm adapt`: a handful of new images become prototypes of a trained model, and it goes on learning."""

import json

import pytest
import torch

from pdm.data.images import to_pil
from pdm.making import adapt
from pdm.making.adapt import Adapting, mixed, new_count, new_prototypes, widened
from pdm.making.line import Line
from pdm.making.pace import Pace
from pdm.making.steps import WORK
from pdm.pipelines.card import CARD
from pdm.pipelines.loading import load_pipeline
from pdm.support.files import write_json
from tests.command_line import call, class_folders, done, refused, tree
from tests.tiny import banded, strokes, tiny_config

PACE = Pace("1 CPU threads", 1_000, prototype_step=1.0, image=1.0)


@pytest.fixture
def stroke_folder(tmp_path):
    folder = tmp_path / "strokes"
    folder.mkdir()
    for i, image in enumerate(strokes(9).images):
        to_pil(image).save(folder / f"{i}.png")
    return folder


def weights(folder) -> dict[str, bytes]:
    return {name: data for name, data in tree(folder).items() if name.endswith((".safetensors", ".png"))}


def test_a_handful_of_images_becomes_prototypes_however_often_it_is_stopped(
    tiny_presets, quick_umap, stroke_folder, tmp_path, capfd, monkeypatch
):
    monkeypatch.setattr(adapt, "measure", lambda *args, **options: PACE)
    monkeypatch.setattr(adapt, "LEAST", 3)
    pictures, model = class_folders(tmp_path / "pictures", 15), tmp_path / "run" / "pipeline"
    options = ("--data", pictures, "--device", "cpu")
    done(capfd, "train", "--preset", "pdm", "--size", 16, "--out", tmp_path / "run", *options)
    adapting = ("adapt", model, "--images", stroke_folder, "--minutes", 0.01, *options)
    whole, again = tmp_path / "whole", tmp_path / "again"
    assert done(capfd, *adapting, "--out", whole).endswith(f"python app.py --assets {whole}")
    assert sorted(p.name for p in whole.iterdir()) == [WORK, "map", "pdm"]

    old, new = load_pipeline(model, "pdm"), load_pipeline(whole, "pdm")
    assert (old.bank.count, new.bank.count) == (8, 11)
    assert new.bank.config.class_names == ["bottom", "left", "right", "top", "strokes"]
    assert not torch.equal(old.denoiser.null_token, new.denoiser.null_token)
    card = json.loads((whole / "pdm" / "training_card.json").read_text())
    assert card["data_set"] == "pictures with strokes" and card["config"]["start"] == "start"
    assert len(new(prototypes=[10], num_images=1, num_inference_steps=1).images) == 1

    def stopped(*said):
        raise KeyboardInterrupt

    for moment in ("at", "end"):  # while the prototypes learn, and before the map
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Line, moment, stopped)
            assert call(*adapting, "--out", again) == 130
    said = refused(capfd, *adapting, "--out", again, "--seed", 5)
    assert said.startswith(f"{again}: seed: expected 0, which it was begun with, got 5")
    done(capfd, *adapting, "--out", again)
    assert weights(again) == weights(whole)


@pytest.mark.parametrize("begun", [{"new_net": True}, {"net_from": "nowhere"}], ids=["new", "another's"])
def test_a_model_goes_on_from_its_own_weights_wherever_its_net_began(saved, tmp_path, begun, monkeypatch):
    monkeypatch.setattr(adapt, "measure", lambda *args, **options: PACE)
    model = tmp_path / "model"
    load_pipeline(saved / "pdm").save_pretrained(model)
    write_json(model / CARD, {"config": {**tiny_config("pdm").to_dict(), "start": "before", **begun}})
    adapting = Adapting(str(model), banded(15), strokes(9), tmp_path / "out", cpu=True)
    adapting._start(1)
    config, _ = adapting._config(0.01, 1)
    assert (config.start, config.new_net, config.net_from) == (str(tmp_path / "out" / WORK / "start"), False, None)


def test_new_prototypes_lie_among_the_features_of_the_new_images(bank, pdm_pipeline):
    new = strokes(12)
    vectors = new_prototypes(bank, new.images, 3)
    wider = widened(pdm_pipeline, vectors).bank
    assert torch.equal(wider.vectors[:8], bank.vectors) and torch.equal(wider.vectors[8:], vectors)
    with torch.no_grad():
        z = wider.encode(new.images.float() / 127.5 - 1)
    before, after = bank.distances(z).min(1).values, wider.distances(z).min(1).values
    assert (after <= before + 1e-6).all() and after.mean() < before.mean()
    assert [new_count(n) for n in (1, 5, 20, 500)] == [1, 2, 4, 8]


def test_new_images_are_a_fifth_of_what_is_learned_from():
    data = mixed(banded(20), strokes(10))
    assert len(data) == 100 and data.class_names[-1] == "strokes" and int((data.labels == 4).sum()) == 20
    unlabelled = mixed(strokes(80), strokes(10, seed=3))
    assert unlabelled.class_names == () and (unlabelled.labels == -1).all()
