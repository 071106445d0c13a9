"""The plan that few and many images get, without any training."""

from dataclasses import replace

import pytest

from pdm.making.look import Look
from pdm.making.pace import Pace
from pdm.making.plan import CLASSIFIER, DENOISER, MAP, MEMORY, PROTOTYPES, RDM, STUDENT, Asked, make_plan, read_plan
from pdm.making.recipe import recipe
from pdm.model.denoiser import build_denoiser
from pdm.pipelines.loading import load_pipeline
from pdm.support.paths import ASSETS

CPU = Pace("2 CPU threads", 9_500_000, prototype_step=0.4, image=1 / 60, encoder_step=0.4, classifier_image=0.003)
GPU = Pace("1 x H100", 11_000_000, prototype_step=0.01, image=1 / 9000, encoder_step=0.01, classifier_image=1e-4)


def found(images: int, **changes) -> Look:
    look = Look("pets", "0" * 64, images, images // 9, 64, 3, True, "flip")
    return replace(look, **changes)


def plan_of(images: int, pace: Pace = CPU, gpu: bool = False, minutes: float = 45, look: dict | None = None, **asked):
    look = found(images, **(look or {}))
    options = Asked("pets", minutes, **asked)
    chosen = {name: getattr(options, name) for name in ("prototypes", "augment", "autoencoder", "net_from", "seed")}
    config = recipe(look, gpu=gpu, **chosen)
    return make_plan(options, look, config, pace)


@pytest.mark.parametrize(
    "images, prototypes, tokens, shift, few",
    [(18, 4, 4, 8, True), (180, 16, 8, 8, True), (4_500, 67, 8, 4, False), (1_000_000, 256, 8, 0, False)],
)
def test_few_images_move_more_and_have_fewer_prototypes_and_a_warning(images, prototypes, tokens, shift, few):
    plan = plan_of(images)
    options = plan.config.prototypes
    assert (options.count, options.tokens, plan.config.shift) == (prototypes, tokens, shift)
    assert any("nearly copies" in warning for warning in plan.warnings()) == few
    assert plan.config.optim.images <= 2_000 * images  # no image is learned by heart for the time's sake
    assert plan.config.augment == "flip" and plan.config.mirrored == ()
    assert plan.map_images == min(images, 10_000) and plan.classified == min(images, 30_000)


def test_a_plan_too_short_for_shapes_says_how_long_it_takes_to_see_some():
    alone = {"net_from": "none"}
    short = plan_of(5_000, minutes=20, **alone)
    (said,) = short.warnings()
    assert "images pictures are blobs of colour: shapes appear after about 200,000 (" in said
    assert said.endswith(" on 2 CPU threads)")
    minutes = int(said.split("--minutes ")[1].split()[0])
    long = plan_of(5_000, minutes=minutes, **alone)
    assert long.warnings() == [] and long.config.optim.images == pytest.approx(200_000, rel=0.1)
    assert plan_of(5_000, GPU, gpu=True, minutes=20, **alone).warnings() == []
    assert plan_of(5_000, minutes=20, look={"size": 32}, **alone).warnings() == []  # nobody looked when they appear
    assert not any("shapes" in warning for warning in plan_of(90, **alone).warnings())  # they are seen no 2,000 times
    assert plan_of(5_000, minutes=20).warnings() == []  # its net has seen some before


@pytest.mark.parametrize(
    "look, gpu, name",
    [
        ({}, False, "emoji"),
        ({}, True, "emoji"),
        ({"size": 32}, False, "cifar10"),
        ({"size": 32}, True, None),  # another net, which ships with nothing
        ({"channels": 1}, False, None),
        ({"channels": 1, "size": 32}, False, None),
    ],
)
def test_a_net_begins_with_the_weights_of_a_shipped_one_of_its_kind_unless_told_otherwise(look, gpu, name):
    plan = plan_of(5_000, GPU if gpu else CPU, gpu, look=look)
    config, told = plan.config, f" parameters that begin as those of {name}, "
    assert config.net_from == (None if name is None else str(ASSETS / name))
    assert (told in "\n".join(plan.lines())) == (name is not None)
    assert plan_of(5_000, look=look, net_from="none").config.net_from is None
    assert plan_of(5_000, look=look, net_from="my-model").config.net_from == "my-model"
    of_run = plan_of(5_000, look=look, net_from="runs/my-model/pipeline")
    assert " that begin as those of my-model, " in "\n".join(of_run.lines())
    if name is not None:  # its weights fit
        for method, token_dim in (("pdm", config.prototypes.dim), ("rdm", config.memory.encoder_dim)):
            net = build_denoiser(config.net, config.diffusion, channels=3, size=config.image_size, token_dim=token_dim)
            net.load_state_dict(load_pipeline(ASSETS / name, method).denoiser.state_dict())


@pytest.mark.parametrize("pace, gpu", [(CPU, False), (GPU, True)], ids=["cpu", "gpu"])
@pytest.mark.parametrize("baseline", [False, True])
@pytest.mark.parametrize("minutes", [20, 45, 240])
def test_the_minutes_are_used_and_kept(pace, gpu, baseline, minutes):
    plan = plan_of(50_000, pace, gpu, minutes, baseline=baseline)
    assert plan.total <= 1.02 * minutes
    at_most = plan.config.optim.images == recipe(plan.look, gpu=gpu).optim.images
    assert plan.total >= 0.9 * minutes or at_most
    assert list(plan.minutes)[:3] == [PROTOTYPES, DENOISER, STUDENT]
    assert ({MEMORY, RDM} <= set(plan.minutes)) == baseline


def test_the_baseline_learns_for_as_long_with_the_same_net():
    plan = plan_of(5_000, baseline=True)
    assert plan.config.memory.encoder_steps == plan.config.prototypes.warmup_steps
    assert plan.minutes[RDM] == plan.minutes[DENOISER]


def test_choices_of_the_user_win():
    plan = plan_of(5_000, prototypes=9, augment="none", seed=4)
    assert (plan.config.prototypes.count, plan.config.augment, plan.config.seed) == (9, "none", 4)


def test_objects_are_painted_side_by_side_on_a_canvas_and_what_looks_alike_from_all_sides_goes_on():
    assert [plan_of(5_000, augment=a).config.tiling for a in ("none", "flip", "d4")] == ["mosaic", "mosaic", "whole"]


def test_too_few_minutes_are_said_and_images_without_classes_get_no_classifier():
    plan = plan_of(5_000, minutes=0.5, look={"labelled": False})
    assert any("0.5 minutes are too few" in warning for warning in plan.warnings())
    assert plan.classifier == 0 and CLASSIFIER not in plan.minutes and MAP in plan.minutes
    text = "\n".join(plan.lines())
    assert "5,000 of 64 x 64 pixels in colour, mirrored, moved by up to 2 pixels" in text
    assert "71, 20 steps alone" in text and "9.5 M parameters that begin as those of emoji, 640 images" in text


def test_on_a_slow_device_batches_of_the_prototypes_are_smaller_and_the_classifier_learns_less():
    slow = replace(CPU, prototype_step=4.0, classifier_image=0.03)
    plan, usual = plan_of(5_000, slow, minutes=20), plan_of(5_000)
    assert (usual.config.prototypes.warmup_batch, plan.config.prototypes.warmup_batch) == (256, 64)
    assert plan.config.prototypes.warmup_steps == pytest.approx(plan.minutes[PROTOTYPES] * 60, abs=1)
    assert plan.classifier == 2 and plan.minutes[CLASSIFIER] < usual.minutes[CLASSIFIER] * 10
    assert plan.total <= 1.25 * 20


def test_a_plan_comes_back_from_its_file_as_it_was(tmp_path):
    plan = plan_of(5_000, baseline=True)
    plan.save(tmp_path)
    assert read_plan(tmp_path) == plan and read_plan(tmp_path / "nowhere") is None
    (tmp_path / "plan.json").write_text('{"version": 2, "asked": {}}')
    with pytest.raises(ValueError, match="plan.json: expected the plan of a model of this version, got"):
        read_plan(tmp_path)
