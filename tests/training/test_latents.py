"""Training on latents: encoded once into a cache that survives kills, and the same as ever from there on."""

from dataclasses import replace

import pytest
import torch

from pdm.config import PRESETS, LatentConfig
from pdm.data import augment
from pdm.data.images import to_unit
from pdm.pipelines.loading import load_pipeline
from pdm.training import latents as module
from pdm.training.encoding import autoencoding
from pdm.training.latents import LatentImages, latent_images
from pdm.training.train import Trainer, train
from pdm.training.tune import TUNE_OPTIM, Tuner, tune_config
from tests.command_line import done, refused
from tests.latents import colour_folders, latent_config, pictures_of, saved_autoencoder, tiny_autoencoder
from tests.tiny import DIM, SIZE, banded

pytestmark = pytest.mark.usefixtures("small_grid")


@pytest.fixture(scope="module")
def data():
    return banded(channels=3, size=SIZE)


@pytest.fixture(scope="module")
def autoencoder():
    return tiny_autoencoder()


@pytest.fixture(scope="module")
def latents(data, autoencoder, tmp_path_factory) -> LatentImages:
    return encoded(data, autoencoder, tmp_path_factory.mktemp("cache"))[0]


def encoded(data, autoencoder, folder, config=None, **options):
    """The latents, and the images that were asked for in full size."""
    pictures, asked = pictures_of(data)
    return latent_images(config or latent_config(), data, pictures, autoencoder, folder=folder, **options), asked


SHORT = latent_config(optim=replace(latent_config().optim, images=24))


class Killed(Exception):
    """What stands for a kill."""


# The cache


def test_each_picture_and_its_mirror_image_are_encoded_and_scaled_to_the_nets_range(latents, data, autoencoder):
    pictures, _ = pictures_of(data)
    x = to_unit(next(pictures(0, len(data))))
    assert latents.values.shape == (96, 2, 4, 8, 8) and latents.values.dtype == torch.float16
    for element, turned in enumerate((x, x.flip(3))):
        raw = autoencoder.encode(turned).latents
        assert torch.allclose(latents.values[:, element].float(), raw, atol=2e-3)
    every = torch.cat([latents.batch(torch.arange(96), torch.full((96,), e)) for e in range(2)])
    assert torch.allclose(every.mean((0, 2, 3)), torch.zeros(4), atol=2e-3)
    assert torch.allclose(every.std((0, 2, 3)), torch.full((4,), 0.5), atol=2e-3)


def test_the_eight_symmetries_are_encoded_in_the_order_in_which_a_batch_asks_for_them(data, autoencoder, tmp_path):
    few = data.subset(slice(3))
    found, _ = encoded(few, autoencoder, tmp_path, latent_config(augment="d4"))
    x = to_unit(next(pictures_of(few)[0](0, 3)))
    for element in (1, 2, 5, 7):
        raw = autoencoder.encode(augment.under(x, torch.full((3,), element))).latents
        assert torch.allclose(found.values[:, element].float(), raw, atol=2e-3)


def test_a_cache_goes_on_where_it_was_killed_and_is_then_as_an_unbroken_one(latents, data, autoencoder, tmp_path):
    monkeypatched = []

    def kill(done: int, of: int) -> None:
        monkeypatched.append(done)
        if done == 64:
            raise Killed

    with pytest.raises(Killed):
        encoded(data, autoencoder, tmp_path, report=kill)
    again, asked = encoded(data, autoencoder, tmp_path)
    assert asked == [64] and torch.equal(again.values, latents.values)
    assert again.state_dict() == latents.state_dict()
    assert encoded(data, autoencoder, tmp_path)[1] == []  # all is there


def test_a_chunk_that_a_kill_left_half_written_is_made_again(data, autoencoder, tmp_path, monkeypatch, latents):
    write = module._Cache._write

    def torn(self, start, chunk):
        write(self, start, chunk // 2)  # what came of it is wrong, and not noted
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(module._Cache, "_write", torn)
        encoded(data, autoencoder, tmp_path)
    assert torch.equal(encoded(data, autoencoder, tmp_path)[0].values, latents.values)


def test_other_images_sizes_symmetries_and_autoencoders_have_a_cache_of_their_own(data, autoencoder, tmp_path):
    few = data.subset(slice(8))
    images = few.images.clone()
    images[3, 0, 0, 0] ^= 1
    encoded(few, autoencoder, tmp_path)
    assert encoded(few, autoencoder, tmp_path)[1] == []
    assert encoded(replace(few, images=images), autoencoder, tmp_path)[1] == [0]
    assert encoded(few, tiny_autoencoder(seed=1), tmp_path)[1] == [0]
    assert encoded(few, autoencoder, tmp_path, latent_config(augment="none"))[1] == [0]
    assert encoded(few, autoencoder, tmp_path, dtype=torch.bfloat16)[1] == [0]


def test_it_stops_where_the_time_is_up_and_says_where_there_is_no_room(data, autoencoder, tmp_path, monkeypatch):
    found, _ = encoded(data, autoencoder, tmp_path, report=lambda done, of: True)
    assert found is None
    assert encoded(data, autoencoder, tmp_path)[1] == [64]

    def full(self, start, chunk):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module._Cache, "_write", full)
    with pytest.raises(ValueError, match="expected room for latents, got: .*No space left"):
        encoded(data.subset(slice(8)), autoencoder, tmp_path)


# Training


@pytest.fixture(scope="module")
def trained(latents, data, tmp_path_factory):
    """The pipeline of an unbroken run of three steps."""
    return train(SHORT, data, tmp_path_factory.mktemp("run"), cpu=True, latents=latents)


def test_a_run_on_latents_resumes_to_the_same_bits(trained, latents, data, tmp_path):
    first = Trainer(SHORT, data, tmp_path, cpu=True, latents=latents)
    first.prepare_source()
    first.train_step()
    first.save()
    moved = replace(SHORT, latent=replace(SHORT.latent, autoencoder="elsewhere"))  # the folder may have another name
    again = Trainer(moved, data, tmp_path, cpu=True, latents=latents)
    assert again.resume()
    again.train_step()
    again.train_step()
    whole = load_pipeline(trained)
    for got, expected in ((again.averaged(), whole.denoiser), (again.source.bank.encoder, whole.bank.encoder)):
        for name, value in expected.state_dict().items():
            assert torch.equal(got.state_dict()[name].half().float(), value), name


def test_the_pipeline_of_a_run_paints_with_the_scale_of_its_images(trained, latents):
    pipeline = load_pipeline(trained)
    assert pipeline.config.latents == latents.state_dict()
    assert (pipeline.image_size, pipeline.seen_size, pipeline.denoiser.config.image_size) == (32, SIZE, 8)
    assert pipeline(num_inference_steps=1, output_type="pt").images.shape == (1, 3, 32, 32)


def test_a_retrieval_model_learns_on_latents_and_finds_neighbours_of_small_pictures(latents, data, tmp_path):
    config = replace(SHORT, method="rdm", optim=replace(SHORT.optim, images=8))
    trainer = Trainer(config, data, tmp_path, cpu=True, latents=latents)
    trainer.prepare_source()
    trainer.train_step()
    pipeline = trainer.pipeline()
    assert pipeline.seen_size == SIZE and pipeline.space is not None
    pipeline.set_progress_bar_config(disable=True)
    assert pipeline(num_inference_steps=1, output_type="pt").images.shape == (1, 3, 32, 32)


def test_a_batchs_condition_sees_the_pictures_that_its_latents_are_of(latents, data, tmp_path, monkeypatch):
    trainer = Trainer(latent_config(), data, tmp_path, cpu=True, latents=latents)
    trainer.prepare_source()
    seen = []
    condition = trainer.source.condition

    def noted(x, rows, *rest):
        seen.append((x, rows))
        return condition(x, rows, *rest)

    monkeypatch.setattr(trainer.source, "condition", noted)
    x, *_ = trainer._batch(trainer._generator(), 0.0)
    pictures, rows = seen[0]
    mirrored = torch.tensor([not torch.equal(p, to_unit(data.images[r])) for p, r in zip(pictures, rows, strict=True)])
    assert 0 < mirrored.sum() < len(rows) and pictures.shape == (8, 3, SIZE, SIZE)
    assert torch.equal(x, latents.batch(rows, mirrored.long()))


def test_the_scale_stays_that_of_the_run_when_its_images_change(latents, data, autoencoder, tmp_path):
    trainer = Trainer(latent_config(), data, tmp_path / "run", cpu=True, latents=latents)
    trainer.prepare_source()
    trainer.save()
    dark = replace(data, images=data.images // 4)
    other, _ = encoded(dark, autoencoder, tmp_path / "cache")
    assert other.state_dict() != latents.state_dict()
    again = Trainer(latent_config(), dark, tmp_path / "run", cpu=True, latents=other)
    again.resume(changed_data=True)
    assert other.state_dict() == latents.state_dict()


def test_a_student_is_tuned_on_the_latents_of_its_teacher_and_painted_with_its_autoencoder(
    trained, latents, data, tmp_path
):
    config = tune_config(trained, optim=replace(TUNE_OPTIM, images=8, batch_size=8, warmup_images=0), precision="no")
    found = autoencoding(config)
    assert found is not None and found.scale == latents.state_dict()
    tuner = Tuner(config, data, tmp_path, cpu=True, latents=latents)
    tuner.prepare_source()
    tuner.train_step()
    pipeline = tuner.pipeline()
    pipeline.set_progress_bar_config(disable=True)
    made = pipeline(num_inference_steps=2, output_type="pt")
    assert made.painted_by == "student" and made.images.shape == (1, 3, 32, 32)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shift": 2}, "shift: expected 0 pixels beside an autoencoder"),
        ({"diffusion": PRESETS["paper"].diffusion}, "preconditioning: expected edm or x beside an autoencoder"),
        ({"augment": "d4"}, r"latents: expected \(96, 8, 4, 8, 8\), got \(96, 2, 4, 8, 8\)"),
        ({"image_size": 34}, "image_size: expected a multiple of 4, the pixels that a latent stands for, got 34"),
        ({"latent": LatentConfig()}, "latents: expected nothing without an autoencoder"),
    ],
)
def test_what_cannot_be_trained_on_latents_is_refused_before_anything_is_made(latents, data, tmp_path, changes, said):
    with pytest.raises(ValueError, match=said):
        Trainer(latent_config(**changes), data, tmp_path, cpu=True, latents=latents)


def test_another_autoencoder_is_not_gone_on_with(latents, data, tmp_path):
    def config(digest):
        return latent_config(latent=LatentConfig("tiny", digest, SIZE))

    trainer = Trainer(config("a"), data, tmp_path, cpu=True, latents=latents)
    trainer.prepare_source()
    trainer.save()
    with pytest.raises(ValueError, match="expected a checkpoint of this configuration"):
        Trainer(config("b"), data, tmp_path, cpu=True, latents=latents).resume()


# The command


def test_the_command_trains_with_an_autoencoder_from_a_folder_and_reads_its_cache_again(tmp_path, monkeypatch, capfd):
    monkeypatch.setitem(PRESETS, "pdm", latent_config(preset="pdm", latent=LatentConfig(features=SIZE)))
    monkeypatch.setattr(module, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(module, "CHUNK", 8)
    pictures, autoencoder = colour_folders(tmp_path / "pictures"), saved_autoencoder(tmp_path / "autoencoder")
    command = ["train", "--data", pictures, "--autoencoder", autoencoder, "--device", "cpu", "--out", tmp_path / "run"]
    command[1:1] = ["--images", "8"]
    assert "stopped while the images are encoded" in done(capfd, *command, "--max-minutes", "1e-9")
    assert "wrote the pipeline" in done(capfd, *command)
    pipeline = load_pipeline(tmp_path / "run" / "pipeline")
    assert (pipeline.image_size, pipeline.seen_size, pipeline.denoiser.config.token_dim) == (32, SIZE, DIM)
    assert "expected a folder with diffusers' AutoencoderTiny" in refused(
        capfd, *command[:-4], "--autoencoder", tmp_path / "nowhere", *command[-2:]
    )
    assert "--colour: expected colour beside an autoencoder" in refused(capfd, *command, "--colour", "grey")
