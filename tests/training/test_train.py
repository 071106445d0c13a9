"""Training: chunks that resume to the same bits, checkpoints that are whole, and prototypes that spread."""

import json
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch

from pdm.config import PRESETS, OptimConfig, PrototypeConfig
from pdm.data.images import ImageData
from pdm.pipelines.card import git_commit
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.training import progress as progress_module
from pdm.training.fast import step_generator
from pdm.training.progress import learning_rate
from pdm.training.sources.make import make_source
from pdm.training.sources.nothing import NullSource
from pdm.training.sources.prototypes import PrototypeSource
from pdm.training.train import Trainer, train
from tests.tiny import SIZE, strokes, tiny_config

CARD_KEYS = {"data_set", "data_hash", "images_seen", "minutes", "device", "preset", "commit", "seed", "losses"}


@pytest.fixture(autouse=True)
def every_loss_and_a_small_grid(monkeypatch):
    monkeypatch.setattr(progress_module, "LOSS_EVERY", 1)
    sample_grid = Trainer.sample_grid
    monkeypatch.setattr(Trainer, "sample_grid", lambda self: sample_grid(self, columns=2))


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


@pytest.mark.parametrize("method", ["pdm", "rdm", "unconditional"])
def test_six_steps_in_one_go_are_three_and_a_resumed_three_bit_by_bit(method, images, tmp_path):
    config = tiny_config(method)
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


# What a run writes


@pytest.mark.parametrize("method", ["pdm", "rdm", "unconditional"])
def test_a_run_exports_a_pipeline_that_loads_with_its_card_beside_it(method, images, tmp_path):
    folder = train(tiny_config(method, seed=5), images, tmp_path, cpu=True)
    card = json.loads((folder / "training_card.json").read_text())
    assert card.keys() >= CARD_KEYS
    assert (card["data_set"], card["data_hash"]) == ("banded", images.hash())
    assert (card["preset"], card["seed"], card["images_seen"], card["method"]) == ("tiny", 5, 48, method)
    assert card["minutes"] >= 0 and "CPU" in card["device"] and card["commit"] == git_commit()
    assert json.loads((tmp_path / "training_card.json").read_text())["losses"] == card["losses"]
    assert card["speed"]["images_per_s"] > 0 and 0 < card["speed"]["peak_share"] < 1
    assert all(name.startswith("sigma") and loss > 0 for name, loss in card["loss_by_noise"].items())
    pipeline = (RDMPipeline if method == "rdm" else PDMPipeline).from_pretrained(folder)
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


# The step


def test_training_steps_lower_the_loss(images, tmp_path):
    config = tiny_config("unconditional", optim=replace(tiny_config().optim, images=10**6, warmup_images=0))
    trainer = Trainer(config, images, tmp_path, cpu=True)
    losses = [trainer.train_step() for _ in range(40)]
    assert sum(losses[-10:]) < 0.85 * sum(losses[:10])


def test_the_learning_rate_warms_up_stays_and_decays_to_zero():
    optim = OptimConfig(images=1000, batch_size=10, warmup_images=100, decay_fraction=0.3, learning_rate=2.0)
    config = tiny_config(optim=optim)
    rates = {n: learning_rate(config, n) for n in (0, 40, 90, 100, 500, 700, 850, 1000, 1100)}
    expected = {0: 0.2, 40: 1.0, 90: 2.0, 100: 2.0, 500: 2.0, 700: 2.0, 850: 1.0, 1000: 0.0, 1100: 0.0}
    assert rates == pytest.approx(expected)
    flat = tiny_config(optim=replace(optim, warmup_images=0, decay_fraction=0.0))
    assert [learning_rate(flat, n) for n in (0, 500, 999)] == [2.0] * 3


def test_a_steps_randomness_comes_from_its_seed_and_number():
    draws = {torch.rand((), generator=step_generator(seed, step)).item() for seed in (0, 1) for step in range(50)}
    assert len(draws) == 100
    assert torch.equal(torch.rand(3, generator=step_generator(1, 2)), torch.rand(3, generator=step_generator(1, 2)))


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0.0), (0.3, 0.3), (1.0, 1.0)])
def test_conditions_are_dropped_as_often_as_configured(share, expected, images, tmp_path, monkeypatch):
    config = tiny_config(diffusion=replace(tiny_config().diffusion, condition_dropout=share))
    config = replace(config, optim=replace(config.optim, batch_size=256))
    trainer = Trainer(config, images, tmp_path, cpu=True)
    seen = []
    forward = trainer.denoiser.forward
    monkeypatch.setattr(trainer.denoiser, "forward", lambda x, s, c: seen.append(c.is_null) or forward(x, s, c))
    trainer.train_step()
    assert seen[0].float().mean().item() == pytest.approx(expected, abs=0.1)


def test_pictures_of_another_size_than_the_runs_are_refused(images, tmp_path):
    with pytest.raises(ValueError, match="image_size: expected 32 for this run, got images of 16"):
        train(tiny_config(image_size=32), images, tmp_path / "never", cpu=True)
    assert not (tmp_path / "never").exists()


# Prototypes beside the denoiser


def test_s_pdm_without_a_label_for_every_image_is_refused(images):
    partly = replace(images, labels=images.labels.clone().index_fill_(0, torch.tensor([3]), -1))
    nameless = replace(images, class_names=())
    for data in (partly, nameless):
        with pytest.raises(ValueError, match="s-PDM needs a class label for every image; 'banded' has images without"):
            source_of(data, supervised=True)


def test_s_pdm_conditions_each_image_on_the_prototype_of_its_class(images):
    source = source_of(images, supervised=True)
    rows = torch.arange(10)
    x = images.images[:10].float() / 127.5 - 1
    condition, loss = source.condition(x, rows, 0.0, torch.Generator().manual_seed(0))
    assert source.bank.count == 4 and loss is not None
    assert torch.equal(condition.ids[:, 0], images.labels[:10])
    source.prepare(quiet)
    assert torch.equal(source.finished_bank().class_counts, 24 * torch.eye(4))


def test_an_unknown_method_is_refused(images):
    with pytest.raises(ValueError, match="method: expected 'pdm', 'rdm' or 'unconditional', got 'gan'"):
        make_source(tiny_config("gan"), images, torch.device("cpu"))
    assert isinstance(make_source(tiny_config("unconditional"), images, torch.device("cpu")), NullSource)


def used_prototypes(images: ImageData, objective: str) -> int:
    source = source_of(images, objective=objective, warmup_steps=60, warmup_batch=48)
    source.prepare(quiet)
    return int((source.finished_bank().usage > 0).sum())


def test_the_balanced_objective_uses_its_prototypes_where_the_papers_collapses():
    pictures = strokes()
    assert used_prototypes(pictures, "balanced") >= 7  # of 8
    assert used_prototypes(pictures, "paper") <= 2


def test_the_prototypes_rate_falls_to_zero_over_the_settling_steps(images):
    source = source_of(images, warmup_steps=6, settle_steps=4, learning_rate=1e-3)
    rates = []
    source.prepare(lambda *_: rates.append(source.optimizer.param_groups[0]["lr"]))
    assert rates == pytest.approx([1e-3, 1e-3, 1e-3, 7.5e-4, 5e-4, 2.5e-4])


def test_prototypes_prepared_in_bfloat16_learn_as_in_float32():
    """An autocast context around all steps would show every one of them the first step's weights."""
    config = tiny_config(prototypes=replace(tiny_config().prototypes, warmup_steps=40, warmup_batch=48))

    def end(autocast) -> float:
        losses: list[float] = []
        torch.manual_seed(0)
        source = make_source(config, strokes(), torch.device("cpu"))
        source.prepare(lambda what, step, of, loss: losses.append(loss), autocast)
        return sum(losses[-5:]) / sum(losses[:5])

    exact, rounded = end(nullcontext), end(lambda: torch.autocast("cpu", torch.bfloat16))
    assert rounded == pytest.approx(exact, abs=0.03) and exact < 0.9


def test_dead_prototypes_are_restarted_while_learning(images):
    source = source_of(images, count=8, warmup_steps=50, learning_rate=0.0)
    far = torch.zeros(16)
    with torch.no_grad():
        source.bank.vectors[:] = source.bank.encode(images.images[:8].float() / 127.5 - 1)
        source.bank.vectors[5] = far - source.bank.vectors.mean(0)
        source.bank.renormalise()
    lost = source.bank.vectors[5].detach().clone()
    source.usage[5] = 0.0
    for step in range(50):
        source._loss(images.images[:32].float() / 127.5 - 1, torch.arange(32), torch.Generator().manual_seed(step))
        source.optimizer.zero_grad()
        moved = not torch.allclose(source.bank.vectors[5], lost)
        assert not moved
        source._update(torch.Generator().manual_seed(step))
    assert (source.bank.vectors[5] - lost).norm() > 0.5  # on a feature now
    assert (source.bank.vectors.detach() @ lost).max() < 0.9


def test_prototypes_stop_moving_once_frozen(images, tmp_path):
    trainer = Trainer(tiny_config(), images, tmp_path, cpu=True)  # frozen from half way: three of six steps
    trainer.prepare_source()
    seen = []
    for _ in range(6):
        trainer.train_step()
        seen.append({k: v.clone() for k, v in trainer.source.bank.state_dict().items()})
    moving, frozen = (seen[0], seen[2]), (seen[2], seen[5])
    assert not torch.equal(moving[0]["vectors"], moving[1]["vectors"])
    for name in seen[0]:
        assert torch.equal(frozen[0][name], frozen[1][name]), name
    x = images.images[:8].float() / 127.5 - 1
    losses = [trainer.source.condition(x, torch.arange(8), p, torch.Generator())[1] for p in (0.49, 0.5)]
    assert losses[0] is not None and losses[1] is None  # nothing left to learn, and no work for it


def test_only_the_papers_prototypes_take_the_denoisers_gradient(images):
    x = images.images[:8].float() / 127.5 - 1
    for objective, takes in (("paper", True), ("balanced", False)):
        source = source_of(images, objective=objective)
        condition, _ = source.condition(x, torch.arange(8), 0.0, torch.Generator().manual_seed(0))
        assert condition.tokens.requires_grad == takes


def test_an_image_is_never_among_its_own_training_neighbours(images):
    source = make_source(tiny_config("rdm"), images, torch.device("cpu"))
    source.prepare(quiet)
    rows = torch.arange(len(images))
    condition, loss = source.condition(images.images.float(), rows, 0.0, torch.Generator())
    assert loss is None and condition.ids.shape == (96, 4)
    assert (source.memory.source_ids[condition.ids] != rows[:, None]).all()
    embeddings = source.encoder.embed(images.images.float() / 127.5 - 1)
    table = torch.cdist(embeddings, source.memory.embeddings)
    table[torch.arange(64), torch.arange(64)] = float("inf")  # the memory keeps the first 64 images
    torch.testing.assert_close(table.gather(1, condition.ids), table.sort(1).values[:, :4], atol=2e-3, rtol=0)
    counts = torch.bincount(condition.ids.flatten(), minlength=64)
    assert torch.equal(source.memory.popularity.long(), counts)
