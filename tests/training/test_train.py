"""Training: chunks that resume to the same bits, checkpoints that are whole, and prototypes that spread."""

import json
from dataclasses import replace

import pytest
import torch

from pdm.config import PRESETS, PrototypeConfig
from pdm.data.images import ImageData
from pdm.pipelines.card import git_commit
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.training import progress as progress_module
from pdm.training.progress import learning_rate
from pdm.training.sources.prototypes import PrototypeSource
from pdm.training.train import Trainer, train
from tests.tiny import SIZE, banded, tiny_config

CARD_KEYS = {"data_set", "data_hash", "images_seen", "minutes", "device", "preset", "commit", "seed", "losses"}


@pytest.fixture(autouse=True)
def every_loss(small_grid, monkeypatch):
    monkeypatch.setattr(progress_module, "LOSS_EVERY", 1)


def state_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    """Every tensor that training moves: the net, its average, the optimiser's moments, and the source."""
    state = {f"net.{k}": v for k, v in trainer.denoiser.state_dict().items()}
    state |= {f"ema.{i}": v for i, v in enumerate(trainer.ema.shadow_params)}
    for i, moments in trainer.optimizer.state_dict()["state"].items():
        state |= {f"optimizer.{i}.{k}": torch.as_tensor(v) for k, v in moments.items()}
    for part, values in trainer.source.state_dict().items():
        if isinstance(values, dict):
            state |= {f"{part}.{k}": v for k, v in values.items() if isinstance(v, torch.Tensor)}
        else:
            state[part] = torch.as_tensor(values)
    return state


def assert_same_run(one: Trainer, other: Trainer) -> None:
    assert getattr(one.source, "steps", None) == getattr(other.source, "steps", None)
    assert one.progress.losses == other.progress.losses and len(one.progress.losses) == 6
    expected, got = state_of(one), state_of(other)
    assert expected.keys() == got.keys()
    for name, tensor in expected.items():
        assert torch.equal(got[name], tensor), name


def source_of(images: ImageData, **options) -> PrototypeSource:
    prototypes = replace(tiny_config().prototypes, **options)
    torch.manual_seed(0)
    return PrototypeSource(tiny_config(prototypes=prototypes), images, torch.device("cpu"))


def quiet(what: str, step: int, of: int, loss: float) -> None:
    pass


# Resuming


@pytest.mark.parametrize(
    ("method", "optimizer"), [("pdm", "adamw"), ("pdm", "muon"), ("rdm", "adamw"), ("unconditional", "adamw")]
)
def test_six_steps_in_one_go_are_three_and_a_resumed_three_bit_by_bit(method, optimizer, images, tmp_path):
    config = tiny_config(method)
    config = replace(config, optim=replace(config.optim, optimizer=optimizer))
    whole = Trainer(config, images, tmp_path / "whole", cpu=True)
    whole.run()
    first = Trainer(config, images, tmp_path / "parts", cpu=True)
    assert not first.resume()
    first.prepare_source()
    for _ in range(3):
        first.train_step()
    first.save()
    del first
    torch.manual_seed(99)  # whatever happens in between
    second = Trainer(config, images, tmp_path / "parts", cpu=True)
    assert second.resume() and second.progress.steps == 3
    second.run()
    assert_same_run(whole, second)


def test_the_papers_joint_training_resumes_to_the_same_bits_as_well(images, tmp_path):
    paper = replace(PRESETS["paper"].prototypes, count=5, dim=16)
    config = tiny_config(prototypes=paper, diffusion=PRESETS["paper"].diffusion, augment="flip")
    config = replace(config, diffusion=replace(config.diffusion, chain_steps=50))
    whole, parts = (Trainer(config, images, tmp_path / name, cpu=True) for name in ("whole", "parts"))
    for trainer, steps in ((whole, 6), (parts, 2)):
        trainer.prepare_source()
        for _ in range(steps):
            trainer.train_step()
    parts.save()
    again = Trainer(config, images, tmp_path / "parts", cpu=True)
    again.resume()
    for _ in range(4):
        again.train_step()
    assert_same_run(whole, again)


def test_a_run_killed_before_its_first_step_does_not_prepare_its_source_twice(images, tmp_path):
    whole = Trainer(tiny_config(), images, tmp_path / "whole", cpu=True)
    whole.run()
    killed = Trainer(tiny_config(), images, tmp_path / "killed", cpu=True)
    killed.prepare_source()
    killed.save()
    again = Trainer(tiny_config(), images, tmp_path / "killed", cpu=True)
    assert again.resume()
    again.run()
    assert_same_run(whole, again)


def test_prototypes_that_learn_for_long_are_saved_meanwhile(images, tmp_path, monkeypatch):
    clock = iter(range(0, 10**9, 700))  # every look at the clock is more than ten minutes later
    monkeypatch.setattr("pdm.training.train.time.monotonic", lambda: next(clock))
    trainer = Trainer(tiny_config(), images, tmp_path, cpu=True)
    saved = []
    monkeypatch.setattr(trainer, "save", lambda: saved.append(trainer.source.steps))
    trainer.prepare_source()
    assert saved == [1, 2, 3]


def test_a_run_says_how_its_prototypes_share_out_the_data(images, tmp_path, capfd):
    trainer = Trainer(tiny_config(), images, tmp_path, cpu=True)
    trainer.prepare_source()
    usage = trainer.source.finished_bank().usage
    said = capfd.readouterr().err
    assert f"prototypes: {int((usage > 0).sum())} of 8 used, perplexity" in said and "NMI with the labels 0." in said


def test_max_minutes_stops_after_a_step_and_the_next_call_goes_on(images, tmp_path):
    for _ in range(2):  # of the three steps of the prototypes alone
        assert train(tiny_config(), images, tmp_path, max_minutes=0, cpu=True) is None
        assert not (tmp_path / "pipeline").exists()
    folder = train(tiny_config(), images, tmp_path, max_minutes=0, cpu=True)
    card = json.loads((folder / "training_card.json").read_text())
    assert card["images_seen"] == 8
    train(tiny_config(), images, tmp_path, max_minutes=0, cpu=True)
    card = json.loads((folder / "training_card.json").read_text())
    assert card["images_seen"] == 16 and [n for n, _ in card["losses"]] == [8, 16]
    train(tiny_config(), images, tmp_path, cpu=True)
    card = json.loads((folder / "training_card.json").read_text())
    assert card["images_seen"] == 48 and len(card["losses"]) == 6


@pytest.mark.parametrize("method", ["pdm", "rdm"])
def test_chained_runs_equal_one_long_run(method, images, tmp_path):
    """Runs of a minute each, by the command's own function: images seen, average, optimiser, learning rate."""
    train(tiny_config(method), images, tmp_path / "whole", cpu=True)
    for _ in range(8 if method == "pdm" else 6):  # the last step of the prototypes and the denoiser's first in one
        train(tiny_config(method), images, tmp_path / "parts", max_minutes=0, cpu=True)
    whole, parts = (Trainer(tiny_config(method), images, tmp_path / name, cpu=True) for name in ("whole", "parts"))
    assert whole.resume() and parts.resume()
    assert whole.progress.images_seen == parts.progress.images_seen == 48
    assert_same_run(whole, parts)
    rates = [trainer.optimizer.param_groups[0]["lr"] for trainer in (whole, parts)]
    assert rates[0] == rates[1] == learning_rate(tiny_config(method), 40)


def test_the_last_of_a_chain_lets_the_rate_fall_within_its_minutes(images, tmp_path, monkeypatch):
    clock = iter(range(10_000))  # every look at the clock is a second later
    monkeypatch.setattr("pdm.training.train.time.monotonic", lambda: float(next(clock)))
    config = tiny_config("unconditional", optim=replace(tiny_config().optim, images=10**6, warmup_images=0))
    trainer = Trainer(config, images, tmp_path, cpu=True)
    rates = []
    step = trainer.optimizer.step
    monkeypatch.setattr(
        trainer.optimizer, "step", lambda: rates.append(trainer.optimizer.param_groups[0]["lr"]) or step()
    )
    trainer.run(0.5)
    assert rates == [config.optim.learning_rate] * len(rates)  # a run that is not the last
    rates.clear()
    trainer.run(0.5, finish=True)
    assert rates == sorted(rates, reverse=True) and rates[0] > 0.8 * config.optim.learning_rate
    assert rates[-1] < 0.2 * config.optim.learning_rate
    with pytest.raises(ValueError, match="finish: expected a number of minutes"):
        train(config, images, tmp_path / "never", finish=True, cpu=True)


@pytest.mark.parametrize("objective", ["balanced", "paper"])
def test_a_batch_too_large_for_the_memory_is_taken_in_parts_with_the_same_result(
    objective, images, tmp_path, monkeypatch, capfd
):
    prototypes = replace(tiny_config().prototypes, objective=objective)
    config = tiny_config(prototypes=prototypes)
    roomy, tight = (Trainer(config, images, tmp_path / name, cpu=True) for name in ("roomy", "tight"))
    loss = tight.loss

    def within_memory(x, *rest):
        if len(x) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return loss(x, *rest)

    monkeypatch.setattr(tight, "loss", within_memory)
    for trainer in (roomy, tight):
        trainer.prepare_source()
        for _ in range(3):
            trainer.train_step()
    assert tight.parts == 4 and roomy.parts == 1
    assert "out of memory: batches are taken in 4 parts" in capfd.readouterr().err
    expected, got = state_of(roomy), state_of(tight)
    for name in expected:
        torch.testing.assert_close(got[name], expected[name], atol=2e-4, rtol=2e-3, msg=name)


def test_a_device_too_small_for_one_image_is_an_error(images, tmp_path, monkeypatch):
    trainer = Trainer(tiny_config("unconditional"), images, tmp_path, cpu=True)

    def full(*batch):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(trainer, "loss", full)
    with pytest.raises(torch.OutOfMemoryError):
        trainer.train_step()
    assert trainer.parts == 8  # as many as the batch has images


def test_a_save_that_dies_half_way_leaves_the_old_checkpoint_and_no_debris(images, tmp_path, monkeypatch):
    trainer = Trainer(tiny_config("unconditional"), images, tmp_path, cpu=True)
    trainer.train_step()
    trainer.save()
    save_state = trainer.accelerator.save_state

    def die(folder):
        save_state(folder)
        raise OSError("No space left on device")

    trainer.train_step()
    monkeypatch.setattr(trainer.accelerator, "save_state", die)
    with pytest.raises(OSError, match="No space left"):
        trainer.save()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "state"]
    again = Trainer(tiny_config("unconditional"), images, tmp_path, cpu=True)
    assert again.resume() and again.progress.steps == 1


def test_resuming_under_another_configuration_is_refused(images, tmp_path):
    Trainer(tiny_config("unconditional"), images, tmp_path, cpu=True).save()
    for change in ({"seed": 1}, {"preset": "other"}, {"prototypes": PrototypeConfig(count=9)}):
        other = Trainer(tiny_config("unconditional", **change), images, tmp_path, cpu=True)
        with pytest.raises(ValueError, match="expected a checkpoint of this configuration.*choose another --out"):
            other.resume()
    assert Trainer(tiny_config("unconditional", tiling="whole"), images, tmp_path, cpu=True).resume()  # learns the same


# What a run writes


@pytest.mark.parametrize("method", ["pdm", "rdm", "unconditional"])
def test_a_run_exports_a_pipeline_that_loads_with_its_card_beside_it(method, images, tmp_path):
    folder = train(tiny_config(method, seed=5, tiling="windows"), images, tmp_path, cpu=True)
    card = json.loads((folder / "training_card.json").read_text())
    assert card.keys() >= CARD_KEYS
    assert (card["data_set"], card["data_hash"]) == ("banded", images.hash())
    assert (card["preset"], card["seed"], card["images_seen"], card["method"]) == ("tiny", 5, 48, method)
    assert card["minutes"] >= 0 and "CPU" in card["device"] and card["commit"] == git_commit()
    assert json.loads((tmp_path / "training_card.json").read_text())["losses"] == card["losses"]
    assert card["speed"]["images_per_s"] > 0 and 0 < card["speed"]["peak_share"] < 1
    assert all(name.startswith("sigma") and loss > 0 for name, loss in card["loss_by_noise"].items())
    pipeline = (RDMPipeline if method == "rdm" else PDMPipeline).from_pretrained(folder)
    assert pipeline.config.tiling == "windows"
    pipeline.set_progress_bar_config(disable=True)
    out = pipeline(num_inference_steps=2, unconditional=method == "unconditional", output_type="pt")
    assert out.images.shape == (1, 1, SIZE, SIZE) and out.images.float().std() > 0


def test_the_exported_net_is_the_average_and_the_trained_one_is_put_back(images, tmp_path):
    trainer = Trainer(tiny_config("unconditional"), images, tmp_path, cpu=True)
    for _ in range(3):
        trainer.train_step()
    trained = [p.clone() for p in trainer.denoiser.parameters()]
    exported = list(trainer.pipeline().denoiser.parameters())
    assert all(torch.equal(a, b) for a, b in zip(exported, trainer.ema.shadow_params, strict=True))
    assert any((a - b).abs().max() > 1e-6 for a, b in zip(exported, trained, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(trainer.denoiser.parameters(), trained, strict=True))


def test_retrieval_from_a_data_set_smaller_than_k_still_samples(images, tmp_path):
    few = images.subset(slice(3))
    folder = train(tiny_config("rdm"), few, tmp_path, max_minutes=0, cpu=True)
    assert RDMPipeline.from_pretrained(folder).config.neighbours == 2


def test_a_batch_that_cannot_be_shared_out_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("accelerate.Accelerator.num_processes", 3)
    with pytest.raises(ValueError, match="batch_size: expected a multiple of the 3 processes, got 8"):
        Trainer(tiny_config(), banded(), tmp_path, cpu=True)
