"""A step of training: rates, randomness, what is dropped, and prototypes beside the denoiser."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch

from pdm.config import OptimConfig
from pdm.data.images import ImageData, to_unit
from pdm.training.fast import step_generator
from pdm.training.learner import _mirrored
from pdm.training.progress import learning_rate
from pdm.training.sources.make import make_source
from pdm.training.sources.nothing import NullSource
from pdm.training.train import Trainer, train
from tests.tiny import strokes, tiny_config
from tests.training.test_train import quiet, source_of


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_training_steps_lower_the_loss(optimizer, images, tmp_path):
    optim = replace(tiny_config().optim, optimizer=optimizer, images=10**6, warmup_images=0)
    config = tiny_config("unconditional", optim=optim)
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


def batches(images, folder, **changes) -> torch.Tensor:
    """The images (B, C, H, W) of a step, big enough that each class is in it."""
    config = tiny_config("unconditional", optim=replace(tiny_config().optim, batch_size=64), **changes)
    trainer = Trainer(config, images, folder, cpu=True)
    return trainer._batch(trainer._generator(), 0.0)[0]


def test_only_images_of_the_named_classes_are_mirrored_and_all_are_shifted(images, tmp_path):
    lopsided = images.images.clone()
    lopsided[..., 0] = torch.where(lopsided[..., 0] > 127, 0, 255)  # no image is its own mirror image
    images = replace(images, images=lopsided)
    plain = batches(images, tmp_path)
    every = batches(images, tmp_path, augment="flip")
    some = batches(images, tmp_path, augment="flip", mirrored=images.class_names[:2])
    labels = ((plain[:, None] - to_unit(images.images)[None]).abs().sum((2, 3, 4)) == 0).float().argmax(1)
    may, turned = images.labels[labels] < 2, (every != plain).any((1, 2, 3))
    assert (may & turned).any() and (~may & turned).any()
    assert torch.equal(some[may], every[may]) and torch.equal(some[~may], plain[~may])
    shifted = batches(images, tmp_path, shift=1)
    inside = plain[:, :, 1:-1, 1:-1]
    assert all(
        any(torch.equal(b[:, i : i + 14, j : j + 14], a) for i in range(3) for j in range(3))
        for a, b in zip(inside, shifted, strict=True)
    )
    assert not torch.equal(shifted, plain)


def test_images_without_a_class_are_not_mirrored_and_unknown_classes_are_refused(images):
    config = tiny_config(augment="flip", mirrored=images.class_names[-1:])
    nameless = replace(images, labels=torch.full_like(images.labels, -1))
    assert not _mirrored(config, nameless).any()
    assert _mirrored(tiny_config(augment="flip"), images) is None
    with pytest.raises(ValueError, match="mirrored: expected classes of data set 'banded' .* got Cats; --augment"):
        _mirrored(replace(config, mirrored=("Cats",)), images)


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
    config = tiny_config(prototypes=replace(tiny_config().prototypes, warmup_steps=20, warmup_batch=16))

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
