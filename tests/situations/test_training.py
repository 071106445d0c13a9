"""What happens to others' trainings: situations 29 to 33, each with what is right."""

import json
from dataclasses import replace

import pytest
import torch
from PIL import Image

from pdm.data.images import ImageData
from pdm.retrieval.large_memory import LargeMemory
from pdm.support.files import write_json
from pdm.training.learner import Learner
from pdm.training.train import Trainer, train
from tests.command_line import call, class_folders, done, refused, tree
from tests.tiny import banded, tiny_config

pytestmark = pytest.mark.usefixtures("tiny_presets")


def training(data, run, *more):
    return ("train", "--data", data, "--size", 16, "--out", run, "--device", "cpu", "--images", 24, *more)


def test_29_a_run_that_turns_to_nan_stops_before_it_saves(pictures, tmp_path, capfd, monkeypatch):
    command = training(pictures, tmp_path / "run")
    for _ in range(3):  # the third ends after the denoiser's first step
        done(capfd, *command, "--max-minutes", 1e-9)
    before, loss = tree(tmp_path / "run"), Learner.loss
    with monkeypatch.context() as patch:
        patch.setattr(Learner, "loss", lambda self, *batch: loss(self, *batch) * torch.nan)
        said = refused(capfd, *command, bars=True)
    assert said.startswith("step 2: expected numbers, got NaN") and "checkpoint, of step 1, is in" in said
    assert "a lower --learning-rate (now 0.0008)" in said
    assert tree(tmp_path / "run") == before
    assert "wrote the pipeline" in done(capfd, *command, "--learning-rate", 1e-4)  # from the checkpoint that is good


def test_30_json_never_holds_nan(tmp_path):
    with pytest.raises(ValueError, match=r"a.json: expected numbers, got losses\[1\]\[0\] = nan"):
        write_json(tmp_path / "a.json", {"losses": [[1.0], [float("nan")]]})
    assert not (tmp_path / "a.json").exists()


def test_31_a_run_that_goes_on_with_other_images_says_which_and_refuses_without_a_switch(tmp_path, capfd):
    folder, run = class_folders(tmp_path / "pictures", per_class=5), tmp_path / "run"
    done(capfd, *training(folder, run, "--max-minutes", 1e-9))
    image = sorted((folder / "top").glob("*.png"))[0]
    for number, path in enumerate(sorted(folder.rglob("*.png"))):  # so that what is held out stays
        if path.parent.name != "top":
            Image.new("L", (16, 16), 10 * number % 250).save(path)
    said = refused(capfd, *training(folder, run))
    assert (
        "expected the images that this run began with, got" in said and "changed (" in said and "--changed-data" in said
    )
    assert str(image) not in said.split("changed")[0]
    done(capfd, *training(folder, run, "--changed-data"))
    card = json.loads((run / "training_card.json").read_text())
    assert len(card["data_seen"]) == 2 and card["data_seen"][1]["data_hash"] == card["data_hash"]
    assert card["found"]["classes"].keys() == {"top", "bottom", "left", "right"} and card["found"]["held_out"] >= 2
    done(capfd, *training(folder, run))  # those are its images now


def renamed(names: tuple[str, ...], labels: torch.Tensor) -> ImageData:
    return replace(banded(6), class_names=names, labels=labels)


def test_32_a_start_from_a_model_works_with_other_classes_more_or_none(tmp_path):
    config = tiny_config()
    first = train(config, banded(6), tmp_path / "first", cpu=True)
    config, labels = replace(config, start=str(first)), banded(6).labels
    for number, data in enumerate(
        (renamed(("a", "b"), labels % 2), renamed(tuple("abcdef"), labels + 2), renamed((), labels * 0 - 1))
    ):
        pipeline = Trainer(config, data, tmp_path / str(number), cpu=True)
        pipeline.prepare_source()
        bank = pipeline.pipeline().bank
        assert bank.config.class_names == data.class_names and bank.class_counts.sum() == (24 if number < 2 else 0)


def test_32_prototypes_of_classes_go_by_their_names(tmp_path):
    config = tiny_config()
    config = replace(config, prototypes=replace(config.prototypes, supervised=True))
    first = train(config, banded(6), tmp_path / "first", cpu=True)
    data = renamed(("left", "new", "top"), banded(6).labels.clamp(max=2))
    trainer = Trainer(replace(config, start=str(first)), data, tmp_path / "second", cpu=True)
    trainer.prepare_source()
    theirs, ours = trainer.start_pipeline.bank.vectors, trainer.source.bank.vectors
    assert torch.allclose(ours[0], theirs[2], atol=1e-3) and torch.allclose(ours[2], theirs[0], atol=1e-3)
    assert not any(torch.allclose(ours[1], vector, atol=1e-3) for vector in theirs)


def test_33_a_stream_that_skipped_a_picture_goes_on_in_the_right_place(saved, tmp_path, capfd, monkeypatch):
    folder = class_folders(tmp_path / "many", per_class=40)
    broken = sorted((folder / "top").glob("*.png"))[7]
    broken.write_text("no picture")
    for module in ("build", "large_memory"):
        monkeypatch.setattr(f"pdm.retrieval.{module}.ROWS", 20)
    monkeypatch.setattr("pdm.retrieval.memory_stream.BATCH", 20)
    command = ("memory", "--stream", "--data", folder, "--encoder", saved / "rdm" / "encoder", "--entries", 500)
    done(capfd, *command, "--out", tmp_path / "whole")
    (said,) = json.loads((tmp_path / "whole" / "skipped.json").read_text())["said"]
    assert said == f"{broken}: expected an image, got cannot identify image file"
    with monkeypatch.context() as patch:
        patch.setattr("pdm.retrieval.build.write_neighbours", lambda *asked: exit(1))
        call(*command, "--out", tmp_path / "parts")
    for path in sorted((tmp_path / "parts").glob("embeddings-*"))[-3:]:
        path.unlink()  # as if it had been stopped before
    done(capfd, *command, "--out", tmp_path / "parts")
    whole, parts = (LargeMemory(tmp_path / name) for name in ("whole", "parts"))
    rows = torch.arange(len(whole))
    assert len(parts) == len(whole) and torch.equal(parts.vectors(rows), whole.vectors(rows))


def test_33_a_stream_asks_the_model_for_its_size(saved, pictures, tmp_path, capfd):
    command = ("memory", "--stream", "--data", pictures, "--encoder", saved / "rdm" / "encoder", "--entries", 12)
    done(capfd, *command, "--out", tmp_path / "large")
    assert LargeMemory(tmp_path / "large").card["size"] == 16
    said = refused(capfd, *command, "--size", 32, "--out", tmp_path / "other")
    assert said.startswith("--size: expected 16, the model's in") and not (tmp_path / "other").exists()
