"""`python -m pdm new`: from 200 pictures to a model that the app and the library open, however often it is stopped."""

import json
import os
import signal
import warnings
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from pdm import PDMPipeline
from pdm.app.library import Library
from pdm.data.load import load
from pdm.making import plan, recipe
from pdm.making.line import Line
from pdm.making.pace import measure
from pdm.making.plan import DENOISER, read_plan
from pdm.making.steps import WORK
from pdm.support.paths import ASSETS
from tests.command_line import call, class_folders, done, refused
from tests.latents import colour_folders, latent_config, saved_autoencoder
from tests.tiny import tiny_config
from tests.tiny_new import patched

TIMES = ("minutes", "speed", "loss_by_noise", "losses")  # of a card, which are other ones in every run


@pytest.fixture(scope="module", autouse=True)
def tiny(small_grid):
    with pytest.MonkeyPatch.context() as patch:
        patched(patch)
        yield


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    return class_folders(tmp_path_factory.mktemp("shapes") / "shapes", 50, channels=3)


def command(folder, data, *options) -> tuple:
    return ("new", folder, "--data", data, "--minutes", "0.01", "--baseline", "--device", "cpu", "--yes", *options)


@pytest.fixture(scope="module")
def whole(shapes, tmp_path_factory):
    """A model made without a stop."""
    folder = tmp_path_factory.mktemp("models") / "shapes-model"
    assert call(*command(folder, shapes)) == 0
    return folder


def bits(folder) -> dict[str, object]:
    """What was made, without what a clock says."""
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    read = {name: path.read_bytes() for name, path in files.items() if not name.startswith(WORK)}
    for name in [n for n in read if n.endswith("training_card.json")]:
        card = json.loads(read[name])
        for part in (card, card.get("teacher", {})):
            for key in TIMES:
                part.pop(key, None)
        read[name] = card
    text = read["README.md"].decode().replace(folder.name, "")
    read["README.md"] = "\n".join(line for line in text.splitlines() if not line.startswith("| minutes |"))
    return read


def test_the_apps_library_and_from_pretrained_open_what_was_made(whole, shapes, capfd):
    assert sorted(p.name for p in whole.iterdir()) == [
        *(WORK, "README.md", "classifier", "map", "pdm", "rdm", "samples.png")
    ]
    assert [p.name for p in (whole / WORK).iterdir()] == ["plan.json"]
    for assets in (whole, whole.parent):  # the model's own folder, or the one that it lies in
        library = Library(whole.name, device=torch.device("cpu"), dtype=torch.float32, assets=assets)
        assert library.names == [whole.name]
        studio = library.get()
        assert studio.rdm is not None and len(studio.map) == read_plan(whole / WORK).look.images
        assert studio.map.class_names == ("bottom", "left", "right", "top")
    pipeline = PDMPipeline.from_pretrained(whole / "pdm")
    assert pipeline.bank.count == 16 and pipeline.student is not None
    assert len(pipeline(prototypes=[0, 1], num_images=2, num_inference_steps=2).images) == 2
    text = (whole / "README.md").read_text()
    assert "16 prototypes and a denoiser" in text and "![64 samples" in text and "(samples.png)" in text
    example = text.split("```python\n")[1].split("```")[0]
    assert len(example.splitlines()) == 2
    assert str(shapes.parent) not in text + (whole / "pdm" / "training_card.json").read_text()
    assert done(capfd, *command(whole, shapes)).startswith(f"{whole} is made already")


def killed_while_painting_is_learned(arguments) -> int:
    """Run in a process that kills itself in the middle of the denoiser; returns the signal that it died of."""
    at = Line.at

    def dying(self, part, done, *rest):
        at(self, part, done, *rest)
        if part == DENOISER and done >= 16:
            os.kill(os.getpid(), signal.SIGKILL)

    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore", DeprecationWarning)  # the process has other threads, which wait
        patch.setattr(Line, "at", dying)
        child = os.fork()
        if not child:
            try:
                call(*arguments)
            finally:
                os._exit(1)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def test_killed_in_the_middle_and_stopped_after_every_step_it_comes_to_the_same_bits(whole, shapes, tmp_path, capfd):
    folder = tmp_path / "again"
    assert killed_while_painting_is_learned(command(folder, shapes)) == signal.SIGKILL
    assert sorted(p.name for p in folder.iterdir()) == [WORK]  # nothing that is half there

    end, stops = Line.end, 0

    def stopping(self, *parts):
        end(self, *parts)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Line, "end", stopping)
        while (code := call(*command(folder, shapes))) == 130:
            stops += 1
    assert (code, stops) == (0, 8)
    assert bits(folder) == bits(whole)


def test_the_plan_is_said_and_asked_for(shapes, tmp_path, capfd, monkeypatch):
    folder, arguments = tmp_path / "m", command(tmp_path / "m", shapes)
    said = refused(capfd, *[a for a in arguments if a != "--yes"])
    assert said == "--yes: expected it where there is no terminal to ask at, got none"
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert done(capfd, *[a for a in arguments if a != "--yes"]) == "nothing was made"
    assert not folder.exists()


@pytest.mark.parametrize(
    "options, said",
    [
        (("--size", 40), "--size: expected 32, 64, 128, 256 or 512, got 40"),
        (("--size", 64, "--autoencoder", "a"), "--autoencoder: expected --size 128, 256 or 512 beside it, got 64"),
        (("--size", 128, "--colour", "grey"), "--colour: expected colour beside --size 128, whose autoencoder knows"),
        (
            ("--size", 128, "--autoencoder", "no where"),
            "autoencoder: expected a folder with diffusers' AutoencoderTiny",
        ),
        (("--net-from", "no where"), "model: expected a folder, one of the shipped models (cifar10, emoji, "),
        (("--net-from", ASSETS / "emoji" / "pdm"), "expected a RDMPipeline for method 'rdm', got"),
        (("--minutes", "0"), "argument --minutes: expected a number above 0, got '0'"),
        (("--data", "nowhere/at-all"), "data set 'nowhere/at-all', split 'train': expected a hub id that can be"),
        (("--limit", 12), "expected at least 20 images to make a model of, got"),
    ],
)
def test_wrong_input_is_one_line_and_writes_nothing(shapes, tmp_path, capfd, options, said):
    assert said in refused(capfd, *command(tmp_path / "m", shapes), *options)
    assert list(tmp_path.iterdir()) == []


def test_other_folders_options_and_images_are_refused(whole, shapes, tmp_path, capfd):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "text").write_text("mine")
    assert "expected a new or empty folder, or one that `new` began" in refused(
        capfd, *command(tmp_path / "notes", shapes)
    )
    said = refused(capfd, *command(whole, shapes, "--seed", 3))
    assert (
        said == f"{whole}: --seed: expected 0, which it was begun with, got 3; give the same, or choose another folder"
    )

    folder, data = tmp_path / "m", class_folders(tmp_path / "few", 6, channels=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Line, "at", lambda *said: (_ for _ in ()).throw(KeyboardInterrupt))
        assert call(*command(folder, data)) == 130
    Image.new("RGB", (16, 16), "red").save(data / "top" / "red.png")
    assert "expected the images that it was begun with, got" in refused(capfd, *command(folder, data))


def test_the_pace_is_that_of_real_steps(shapes):
    data = load(str(shapes), size=32, limit=30)
    config = tiny_config(image_size=32)
    pace = measure(config, data, baseline=True, labelled=True, cpu=True, seconds=0.0)
    assert pace.parameters > 10_000 and "CPU" in pace.device
    times = (pace.prototype_step, pace.image, pace.encoder_step, pace.classifier_image)
    assert all(0 < seconds < 5 for seconds in times)


def test_the_weights_of_another_net_are_refused_before_anything_is_made(shapes):
    config = tiny_config(image_size=32, net_from=str(ASSETS / "emoji"))
    with pytest.raises(
        ValueError, match="model to start from: expected the net of preset 'tiny' for these images, got"
    ):
        measure(config, load(str(shapes), size=32), baseline=False, labelled=True, cpu=True, seconds=0.0)


def test_a_model_of_other_images_lends_its_net_and_the_card_says_so(whole, shapes, tmp_path, capfd):
    folder = tmp_path / "m"
    capfd.readouterr()
    assert call(*command(folder, shapes, "--net-from", whole)) == 0
    assert " parameters that begin as those of shapes-model, " in capfd.readouterr().out
    card = json.loads((folder / "pdm" / "training_card.json").read_text())["teacher"]
    assert card["config"]["net_from"] == "shapes-model" and card["net_from"]["images_seen"] > 0
    assert "| its net began as that of | shapes-model |" in (folder / "README.md").read_text()
    assert str(tmp_path) not in (folder / "pdm" / "training_card.json").read_text()


def test_large_pictures_are_painted_as_latents(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(recipe, "LATENT", latent_config())
    monkeypatch.setattr(recipe, "LATENT_SIZES", (32,))
    monkeypatch.setattr(recipe, "LARGE", 16)
    monkeypatch.setattr("pdm.making.look.LARGE", 16)
    monkeypatch.setattr("pdm.training.latents.CACHE", tmp_path / "cache")
    monkeypatch.setattr(plan, "measure", lambda *args, **options: measure(*args, **{**options, "seconds": 0.0}))
    folder, data = tmp_path / "m", colour_folders(tmp_path / "pictures")
    made = saved_autoencoder(tmp_path / "autoencoder")
    arguments = command(folder, data, "--size", 32, "--autoencoder", made)
    done(capfd, *arguments)
    pipeline = PDMPipeline.from_pretrained(folder / "pdm")
    assert pipeline(prototypes=[0], num_inference_steps=1).images[0].size == (32, 32)
    assert pipeline.space is not None and pipeline.denoiser.config.image_size == 8 and pipeline.student is not None
    assert not (folder / "classifier").exists() and (folder / "rdm").exists() and (folder / "map").exists()
    text = (folder / "README.md").read_text() + (folder / "pdm" / "training_card.json").read_text()
    assert "| painted as latents of | autoencoder |" in text and str(tmp_path) not in text
    assert read_plan(folder / WORK).pace.encoded > 0 and done(capfd, *arguments).startswith(f"{folder} is made already")


def test_several_processes_are_refused(shapes, tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    said = refused(capfd, *command(tmp_path / "m", shapes))
    assert said == "new: expected a single process, got several; `train` is what takes torchrun"
