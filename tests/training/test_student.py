"""A pipeline with a student beside its denoiser: who paints, what it says, and how it comes back from disk."""

import json
import shutil

import pytest
import torch
from huggingface_hub import constants

from pdm.app.painting import explained, run
from pdm.app.requests import Request, resolved
from pdm.app.studio import Studio, ready
from pdm.evaluation.evaluate import Sampling, sampler_name
from pdm.pipelines.loading import load_pipeline
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.sampling.solvers import make_scheduler
from tests.tiny import seeds, tiny_denoiser

PIXEL = 1  # of 255: other batch sizes take other matrix kernels
NO_STUDENT = r"sampler: expected one of (auto, )?dpm\+\+2m, .*got 'student'"


@pytest.fixture(scope="module")
def pair(pdm_pipeline, rdm_pipeline):
    """Both pipelines of the suite, each with a student that is another random net."""
    student = tiny_denoiser(seed=5)
    pdm = PDMPipeline(pdm_pipeline.denoiser, pdm_pipeline.bank, make_scheduler(), student)
    rdm = RDMPipeline(
        rdm_pipeline.denoiser, rdm_pipeline.memory, make_scheduler(), rdm_pipeline.encoder, top_m=0.1, student=student
    )
    for pipeline in (pdm, rdm):
        pipeline.set_progress_bar_config(disable=True)
    return {"pdm": pdm, "rdm": rdm}


@pytest.fixture(params=["pdm", "rdm"])
def method(request):
    return request.param


@pytest.fixture
def pipeline(pair, method):
    return pair[method]


@pytest.fixture
def folder(pair, tmp_path):
    for name, pipeline in pair.items():
        pipeline.save_pretrained(tmp_path / "tiny" / name)
    return tmp_path / "tiny"


def painted(pipeline, steps: int, numbers=(1, 2), **options):
    return pipeline(
        generator=seeds(*numbers), num_images=len(numbers), num_inference_steps=steps, output_type="pt", **options
    )


def pixels(*arguments, **options) -> torch.Tensor:
    return painted(*arguments, **options).images.int()


# Who paints


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_the_student_paints_in_the_steps_it_was_tuned_for(pipeline, steps):
    by_default, named = painted(pipeline, steps), painted(pipeline, steps, sampler="student")
    assert by_default.painted_by == named.painted_by == "student"
    assert torch.equal(by_default.images, named.images)
    by_teacher = painted(pipeline, steps, sampler="dpm++2m")
    assert by_teacher.painted_by == "denoiser"
    assert (by_teacher.images.int() - named.images.int()).abs().max() > 20


def test_the_denoiser_paints_in_other_steps_and_for_named_samplers_as_without_a_student(pair, method, request):
    pipeline, alone = pair[method], request.getfixturevalue(f"{method}_pipeline")
    for steps, sampler in ((3, None), (10, None), (1, "dpm++2m"), (2, "euler"), (4, "heun")):
        made = painted(pipeline, steps, sampler=sampler)
        assert made.painted_by == "denoiser"
        assert torch.equal(made.images, painted(alone, steps, sampler=sampler).images)


def test_a_student_that_is_not_there_or_not_tuned_is_refused(pipeline, pdm_pipeline):
    with pytest.raises(ValueError, match=NO_STUDENT):
        painted(pdm_pipeline, 2, sampler="student")
    with pytest.raises(ValueError, match="num_inference_steps: expected 1, 2 or 4 .* nearest being 2 or 4, got 3"):
        painted(pipeline, 3, sampler="student")
    with pytest.raises(ValueError, match="num_inference_steps: expected a whole number of at least 1, got 0"):
        painted(pipeline, 0, sampler="student")
    assert pipeline.samplers == (*pdm_pipeline.samplers, "student")


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_image_i_is_the_same_in_any_batch_within_one_level_of_255(pipeline, steps):
    batch = pixels(pipeline, steps, (5, 6, 7))
    for i, number in enumerate((5, 6, 7)):
        assert (pixels(pipeline, steps, (number,))[0] - batch[i]).abs().max() <= PIXEL
    assert (batch[0] - batch[1]).abs().max() > 20


def test_guidance_leaves_the_first_step_alone_which_decides_on_colours(pipeline):
    once = [pixels(pipeline, 1, guidance_scale=scale) for scale in (1.0, 3.0)]
    assert torch.equal(*once)
    everywhere = pixels(pipeline, 1, guidance_scale=3.0, guidance_interval=(0.0, 1e3))
    assert (everywhere - once[0]).abs().max() > 3 * PIXEL
    later = pixels(pipeline, 2, guidance_scale=3.0, guidance_interval=(0.0, 1.0))
    assert torch.equal(later, pixels(pipeline, 2, guidance_scale=3.0))


def test_guidance_changes_pictures_and_never_does_outside_its_interval(pipeline):
    plain, guided = pixels(pipeline, 2), pixels(pipeline, 2, guidance_scale=3.0)
    assert (plain - guided).abs().max() > 3 * PIXEL
    never = pixels(pipeline, 2, guidance_scale=3.0, guidance_interval=(1e4, 1e5))
    assert torch.equal(plain, never)


def test_an_evaluation_names_what_painted_its_samples(pipeline, pdm_pipeline):
    assert sampler_name(pipeline, Sampling(steps=2)) == "student"
    assert sampler_name(pipeline, Sampling(steps=2, sampler="euler")) == "euler"
    assert sampler_name(pipeline, Sampling()) == sampler_name(pdm_pipeline, Sampling(steps=2))
    assert sampler_name(pdm_pipeline, Sampling()) == "DPMSolverMultistepScheduler"


# Requests


def test_a_request_for_the_student_is_streamed_explained_and_in_its_recipe(pair, prototype_map, method):
    studio = Studio("tiny", pair["pdm"], pair["rdm"], ready(prototype_map))
    request = resolved(studio, Request(method=method, count=2, seed=3, steps=2, sampler="student"))
    frames = list(run(studio, request))
    assert [f.step for f in frames] == [1, 2] and frames[-1].done
    made = pixels(pair[method], 2, (3, 4))
    assert (frames[-1].images.int() - made).abs().max() <= PIXEL
    assert request.recipe(studio, 1).sampler == "student"
    why = explained(studio, request, 1)
    assert (why.timeline[-1].int() - made[1]).abs().max() <= PIXEL and len(why.attention) == 2


def test_requests_without_a_student_or_for_other_steps_are_refused(pair, studio, prototype_map):
    with pytest.raises(ValueError, match=f"^{NO_STUDENT}"):
        resolved(studio, Request(sampler="student", steps=2))
    tuned = Studio("tiny", pair["pdm"], None, ready(prototype_map))
    with pytest.raises(ValueError, match="^steps: expected 1, 2 or 4 for the student, the nearest being 4, got 10"):
        resolved(tuned, Request(sampler="student"))


# Disk


def test_both_nets_come_back_from_a_folder_and_from_the_hub(folder, pair, method, tmp_path, monkeypatch):
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "hub" / "models--someone--tiny"
    shutil.copytree(folder, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    read = type(pair[method]).from_pretrained(folder / method)
    read.set_progress_bar_config(disable=True)
    for again in (read, load_pipeline(folder, method), load_pipeline("someone/tiny", method)):
        for steps in (2, 3):
            assert torch.equal(pixels(again, steps), pixels(pair[method], steps))


def test_the_student_takes_the_fast_precision_and_is_not_trained(folder, method):
    student = load_pipeline(folder, method, "cpu", torch.bfloat16).student
    assert student.dtype == torch.bfloat16 and not student.training
    assert not any(p.requires_grad for p in student.parameters())


def test_large_students_are_split_into_shards(pair, tmp_path):
    pair["pdm"].save_pretrained(tmp_path, max_shard_size="200KB")
    shards = list((tmp_path / "student").glob("*.safetensors"))
    assert len(shards) > 3 and max(p.stat().st_size for p in shards) < 2**18


def test_pipelines_from_before_there_were_students_load(saved, tmp_path, method):
    old = shutil.copytree(saved / method, tmp_path / method)
    index = json.loads((old / "model_index.json").read_text())
    assert index.pop("student") == [None, None]
    (old / "model_index.json").write_text(json.dumps(index))
    for folder in (old, saved):
        assert load_pipeline(folder, method).student is None


@pytest.mark.parametrize("damage", ["folder", "truncated"])
def test_a_damaged_student_is_refused_and_never_left_random(folder, method, damage):
    student = folder / method / "student"
    if damage == "folder":
        shutil.rmtree(student)
    else:
        path = next(student.glob("*.safetensors"))
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="expected a complete pipeline|expected complete weights") as caught:
        load_pipeline(folder, method)
    assert "\n" not in str(caught.value)
