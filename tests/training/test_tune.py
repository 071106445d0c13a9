"""Tuning: a student that starts as its teacher, learns, resumes to the same bits, and stands beside it on disk."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from pdm.config import PRESETS, DiffusionConfig
from pdm.data.images import to_unit
from pdm.model.conditioning import null_condition
from pdm.pipelines.loading import load_pipeline
from pdm.training.consistency import ConsistencyConfig, earlier
from pdm.training.train import Trainer, train
from pdm.training.tune import TuneConfig, Tuner, tune, tune_config
from pdm.training.watch import NotFinite
from tests.tiny import banded, tiny_config
from tests.training.tuning import OPTIM, config_of, started, weights

pytestmark = pytest.mark.usefixtures("small_grid")


# The configuration


def test_it_is_the_teachers_but_for_noise_levels_optimiser_and_loss(teacher):
    config = config_of(teacher)
    trained = tiny_config(teacher[0])
    assert (config.diffusion.P_mean, config.diffusion.P_std) == (-1.1, 2.0)
    assert config.diffusion.condition_dropout == trained.diffusion.condition_dropout == 0.1
    assert (config.net, config.prototypes, config.memory) == (trained.net, trained.prototypes, trained.memory)
    assert config.start == str(teacher[1]) and config.optim == OPTIM
    assert TuneConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_model_that_gives_the_image_itself_is_tuned_as_one_of_edm(tmp_path):
    config = tiny_config(diffusion=DiffusionConfig(preconditioning="x", weight_cap=100.0))
    config = replace(config, optim=replace(config.optim, images=config.optim.batch_size))
    model = ("pdm", train(config, banded(), tmp_path / "teacher", cpu=True))
    tuner = started(config_of(model), tmp_path / "run")
    assert tuner.denoiser.config.preconditioning == "x" and tuner.config.diffusion.weight_cap == 100
    before = weights(tuner.denoiser)
    assert tuner.train_step().isfinite() and not torch.equal(weights(tuner.denoiser), before)


# The run


def test_the_student_starts_as_its_teacher(teacher, tmp_path):
    before, made = load_pipeline(teacher[1], teacher[0]), started(config_of(teacher), tmp_path).pipeline()
    assert torch.equal(weights(made.student), weights(before.denoiser))
    assert torch.equal(weights(made.denoiser), weights(before.denoiser))


def test_each_step_compares_the_pair_of_its_stage_under_one_condition(teacher, tmp_path, monkeypatch):
    optim = replace(OPTIM, images=256, batch_size=128)
    tuner = started(config_of(teacher, optim=optim, consistency=ConsistencyConfig(stages=2)), tmp_path)
    asked, forward = [], tuner.denoiser.forward
    monkeypatch.setattr(tuner.denoiser, "forward", lambda x, s, c: asked.append((s, c)) or forward(x, s, c))
    for a in (1, 2):
        tuner.train_step()
        (r, at_r), (t, at_t) = asked
        torch.testing.assert_close(r, earlier(tuner.config.consistency, t, a).clamp(min=1e-4))
        assert torch.equal(at_r.tokens, at_t.tokens) and torch.equal(at_r.is_null, at_t.is_null)
        assert 0.02 < at_t.is_null.float().mean() < 0.2
        assert t.log().mean().item() == pytest.approx(-1.1, abs=0.6) and t.log().std().item() > 1.5
        asked.clear()


def test_tuning_lowers_the_loss_of_a_stage(teacher, tmp_path):
    optim = replace(OPTIM, images=10**6, batch_size=16, learning_rate=1e-3)
    tuner = started(config_of(teacher, optim=optim, consistency=ConsistencyConfig(stages=4)), tmp_path)
    x, generator = to_unit(banded().images[:32]), torch.Generator().manual_seed(0)
    noise, sigma = torch.randn(x.shape, generator=generator), torch.linspace(0.2, 5, 32)
    condition = null_condition(32, tuner.denoiser.config.token_dim)

    def loss() -> float:
        with torch.no_grad():
            return float(tuner.loss(x, sigma, noise, condition))

    before = loss()
    for _ in range(60):
        tuner.train_step()
    assert loss() < 0.8 * before


def test_all_weights_learn_in_bfloat16_as_well(teacher, tmp_path, fresh_accelerator):
    tuner = started(config_of(teacher, precision="bf16"), tmp_path)
    before = {name: p.clone() for name, p in tuner.denoiser.named_parameters()}
    for _ in range(3):
        tuner.train_step()
    still = [name for name, p in tuner.denoiser.named_parameters() if torch.equal(p, before[name])]
    assert all(name.endswith(("to_k.weight", "to_q.weight", "null_token")) for name in still), still


def test_chunks_end_in_the_same_bits_as_one_run(teacher, tmp_path):
    config = config_of(teacher)
    whole = Tuner(config, banded(), tmp_path / "whole", cpu=True)
    whole.run()
    Tuner(config, banded(), tmp_path / "parts", cpu=True).run(max_minutes=1e-9)
    rest = Tuner(config, banded(), tmp_path / "parts", cpu=True)
    assert rest.resume() and rest.progress.steps == 1
    rest.run()
    assert torch.equal(weights(rest.denoiser), weights(whole.denoiser))
    assert torch.equal(weights(rest.averaged()), weights(whole.averaged()))


def test_a_student_that_falls_apart_is_stopped_before_it_is_saved(teacher, tmp_path):
    tuner = started(config_of(teacher), tmp_path)
    tuner.progress.losses = [[8, 24.0], [16, 25.0], [24, 30.0]]
    tuner.save()
    there = (tmp_path / "state").stat().st_mtime_ns
    tuner.progress.losses.append([32, 31.8])
    with pytest.raises(NotFinite, match="expected a loss that falls, got one that grew from 24 to 31.8, and nothing"):
        tuner.save()
    assert (tmp_path / "state").stat().st_mtime_ns == there


# What it writes


def test_the_pipeline_holds_an_untouched_teacher_and_its_student(teacher, tmp_path):
    method, folder = teacher
    made = tune(config_of(teacher), banded(), tmp_path, cpu=True)
    assert made == tmp_path / "pipeline" and (tmp_path / "samples.png").is_file()
    for path in folder.rglob("*.safetensors"):  # the table of assignments included
        theirs, ours = load_file(path), load_file(made / path.relative_to(folder))
        assert theirs.keys() == ours.keys() and all(torch.equal(theirs[k], ours[k]) for k in theirs)
    pipeline = load_pipeline(made, method)
    assert (weights(pipeline.student) - weights(pipeline.denoiser)).abs().max() > 1e-4
    assert {t.dtype for p in (made / "student").glob("*.safetensors") for t in load_file(p).values()} == {torch.float16}


def test_its_card_counts_its_own_images_and_names_the_teacher(teacher, tmp_path):
    made = tune(config_of(teacher), banded(), tmp_path, cpu=True)
    card, theirs = (json.loads((f / "training_card.json").read_text()) for f in (made, teacher[1]))
    assert card == json.loads((tmp_path / "training_card.json").read_text())
    assert card.keys() == theirs.keys() | {"teacher", "tuned_steps"}
    assert (card["images_seen"], theirs["images_seen"], card["tuned_steps"]) == (48, 8, [1, 2, 4])
    assert card["teacher"] == {name: value for name, value in theirs.items() if name != "losses"}
    again = config_of((teacher[0], made))  # a tuned model is tuned again, and trained on, from its teacher
    assert again == replace(config_of(teacher), start=str(made))
    on = Trainer(replace(tiny_config(teacher[0]), start=str(made)), banded(), tmp_path / "on", cpu=True)
    assert on.start_card["images_seen"] == 8 and on.pipeline is not None


# What is refused


@pytest.fixture
def damaged(teacher, tmp_path):
    """A function that changes a copy of the teacher's card, and its method and folder."""
    folder = shutil.copytree(teacher[1], tmp_path / "copy")

    def change(**parts):
        card = json.loads((folder / "training_card.json").read_text())
        card["config"].update(parts)
        (folder / "training_card.json").write_text(json.dumps(card))

    return change, teacher[0], folder


def test_a_model_without_its_card_is_refused(damaged):
    _, method, folder = damaged
    (folder / "training_card.json").unlink()
    with pytest.raises(ValueError, match=r"expected a pipeline with its training card \(training_card.json\), got"):
        tune_config(folder, method)


def test_a_published_model_and_one_of_another_method_are_refused(damaged):
    change, method, folder = damaged
    change(diffusion=PRESETS["paper"].to_dict()["diffusion"], preset="paper")
    with pytest.raises(ValueError, match="expected a model with preconditioning 'edm' or 'x'.*got 'vp' of preset"):
        tune_config(folder, method)
    change(method="unconditional")
    with pytest.raises(ValueError, match=f"expected a model trained with method '{method}', got 'unconditional'"):
        tune_config(folder, method)


def test_a_net_that_is_not_the_cards_is_refused(damaged, tmp_path):
    change, method, folder = damaged
    net = tiny_config().to_dict()["net"]
    for wrong, said in (({"heads": 4}, "a net with heads 4.*got 2"), ({"block_out_channels": [8, 32]}, "the net of")):
        change(net={**net, **wrong})
        with pytest.raises(ValueError, match=f"model to start from: expected {said}"):
            Tuner(config_of((method, folder)), banded(), tmp_path / "run", cpu=True)


def test_images_that_do_not_fit_are_refused_and_nothing_is_written(teacher, tmp_path):
    with pytest.raises(ValueError, match="image_size: expected 16 for this run, got images of 32"):
        tune(config_of(teacher), banded(size=32), tmp_path / "run", cpu=True)
    with pytest.raises(ValueError, match="model to start from: expected the net of preset 'tiny' for these images"):
        tune(config_of(teacher), banded(channels=3), tmp_path / "run", cpu=True)
    if teacher[0] == "rdm":
        with pytest.raises(ValueError, match="model to start from: expected a memory of images of 'banded'"):
            tune(config_of(teacher), banded(seed=9), tmp_path / "run", cpu=True)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_teachers_prototypes_do_not_settle_again(tmp_path):
    config = tiny_config("pdm")
    config = replace(
        config,
        prototypes=replace(config.prototypes, settle_steps=2),
        optim=replace(config.optim, images=config.optim.batch_size),
    )
    folder = train(config, banded(), tmp_path / "teacher", cpu=True)
    tuner = started(tune_config(folder, "pdm", optim=OPTIM, precision="no"), tmp_path / "tuned")
    assert torch.equal(tuner.source.bank.vectors, load_pipeline(folder, "pdm").bank.vectors)
