"""Tuning a model that has guidance of its own: its student learns from the guided teacher, and paints as it does."""

import shutil
from dataclasses import replace

import pytest
import torch

from pdm.model.conditioning import null_condition
from pdm.model.denoiser import Denoiser
from pdm.pipelines.loading import load_pipeline
from pdm.training.consistency import ConsistencyConfig
from pdm.training.tune import of_model, tune
from tests.tiny import banded
from tests.training.tuning import config_of, started

pytestmark = pytest.mark.usefixtures("small_grid")


@pytest.fixture
def guided_teacher(teacher, tmp_path):
    """The teacher with another net as its guide, and guidance of its own above a noise level."""
    method, folder = teacher
    pipeline = load_pipeline(folder, method)
    guide = Denoiser.from_config(pipeline.denoiser.config)
    pipeline.register_modules(guide=guide)
    pipeline.register_to_config(guidance_scale=2.5, guided_above=0.7)
    pipeline.save_pretrained(tmp_path / "guided")
    shutil.copy(folder / "training_card.json", tmp_path / "guided")
    return method, tmp_path / "guided"


def test_a_guided_models_student_learns_what_its_guided_teacher_sees(guided_teacher, tmp_path):
    config = config_of(guided_teacher)
    assert config.consistency == ConsistencyConfig(guidance=2.5, guided_above=0.7, stages=2)
    assert (config.diffusion.P_mean, config.diffusion.P_std) == (0.0, 2.0)
    tuner, pipeline = started(config, tmp_path / "run"), load_pipeline(guided_teacher[1], guided_teacher[0])
    x = torch.randn(4, *tuner.data.images.shape[1:], generator=torch.Generator().manual_seed(1))
    sigma = torch.tensor([0.5, 0.9, 3.0, 3.0])
    condition = null_condition(4, pipeline.denoiser.config.token_dim)
    conditioned = replace(condition, is_null=torch.tensor([False, False, False, True]), tokens=condition.tokens + 1)
    ours, away = pipeline.denoiser(x, sigma, conditioned), pipeline.guide(x, sigma, condition)
    expected = torch.where(
        torch.tensor([False, True, True, False])[:, None, None, None], away + 2.5 * (ours - away), ours
    )
    torch.testing.assert_close(tuner.teachers_view(x, sigma, conditioned), expected, atol=1e-4, rtol=1e-4)


def test_its_student_paints_as_if_guided_by_itself_and_is_guided_by_what_is_asked_beyond_that(guided_teacher, tmp_path):
    method, folder = guided_teacher
    made = tune(config_of(guided_teacher), banded(), tmp_path / "run", cpu=True)
    pipeline = load_pipeline(made, method)
    assert (pipeline.config.guidance_scale, pipeline.config.student_guidance) == (2.5, 2.5)
    assert load_pipeline(folder, method).config.student_guidance == 1

    def painted(**options) -> torch.Tensor:
        generator = torch.Generator().manual_seed(0)
        options = {"generator": generator, "num_inference_steps": 2, "output_type": "pt", **options}
        return pipeline(**options).images.int()

    calls, forward = [], pipeline.student.forward
    pipeline.student.forward = lambda *asked, **kept: calls.append(len(asked[0])) or forward(*asked, **kept)
    own = painted()
    assert calls == [1, 1]  # no row beside the picture's own
    stronger = painted(guidance_scale=5.0)
    assert calls == [1, 1, 1, 2] and (stronger - own).abs().max() > 1
    pipeline.register_to_config(student_guidance=1.0)
    assert torch.equal(painted(guidance_scale=2.0), stronger)


def test_it_can_learn_without_guidance_too(guided_teacher, tmp_path):
    config = config_of(guided_teacher, consistency=of_model(guided_teacher[1], guidance=1.0))
    assert config.diffusion.P_mean == -1.1 and config.consistency.stages == 6
    made = tune(config, banded(), tmp_path / "run", cpu=True)
    assert load_pipeline(made, guided_teacher[0]).config.student_guidance == 1


def test_a_growing_loss_is_no_fall_where_a_teacher_holds_the_student(guided_teacher, tmp_path):
    tuner = started(config_of(guided_teacher), tmp_path / "run")
    tuner.progress.losses = [[8, 10.0], [16, 18.0]]
    tuner.save()
    assert (tmp_path / "run" / "state").is_dir()
