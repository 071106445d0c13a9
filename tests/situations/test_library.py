"""What callers of the library expect, as of any of diffusers' pipelines: situations 34 to 37."""

import json
import stat

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from pdm.data.images import to_pil
from pdm.map.projection import fit_map, load_map, save_map
from pdm.pipelines.loading import load_pipeline
from pdm.pipelines.pdm import PDMPipeline
from pdm.sampling.drivable import DRIVABLE
from pdm.sampling.solvers import EDM_CHAIN, denoise
from tests.tiny import GaussianDenoiser, banded, random_condition, seeds

# diffusers' schedulers use numpy in the way of numpy 1
pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")
FEW = {"num_inference_steps": 2, "output_type": "pt"}


def test_34_a_call_without_generators_draws_from_torchs_own_and_leaves_it_as_any_draw(pdm_pipeline):
    torch.manual_seed(5)
    first, after = pdm_pipeline(num_images=2, **FEW).images, torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(pdm_pipeline(num_images=2, **FEW).images, first) and torch.equal(torch.rand(1), after)
    assert torch.initial_seed() == 5
    assert not torch.equal(pdm_pipeline(num_images=2, **FEW).images, first)


STOCHASTIC = {
    "EulerAncestralDiscreteScheduler": {},
    "LCMScheduler": {},
    "TCDScheduler": {},
    "DPMSolverMultistepScheduler": {"algorithm_type": "sde-dpmsolver++"},
    "KDPM2AncestralDiscreteScheduler": {},
    "SASolverScheduler": {},
}


@pytest.mark.parametrize("name", STOCHASTIC)
def test_35_schedulers_that_draw_noise_take_the_generators(name, pdm_pipeline):
    def painted(pipeline, *numbers):
        return pipeline(
            [1], generator=seeds(*numbers), num_images=len(numbers), num_inference_steps=4, output_type="pt"
        )

    pipeline = PDMPipeline(
        pdm_pipeline.denoiser, pdm_pipeline.bank, getattr(diffusers, name)(**EDM_CHAIN, **STOCHASTIC[name])
    )
    pipeline.set_progress_bar_config(disable=True)
    state = torch.get_rng_state()
    both = painted(pipeline, 3, 4).images
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(painted(pipeline, 4).images[0], both[1]) and not torch.equal(both[0], both[1])


def test_35_every_scheduler_that_is_driven_ends_at_the_data():
    for name in DRIVABLE:
        if name == "LMSDiscreteScheduler":  # wants scipy, which these tests hide from diffusers
            continue
        scheduler, generators = getattr(diffusers, name)(**EDM_CHAIN), seeds(*range(48))
        noise = torch.stack([torch.randn(1, 4, 4, generator=g) for g in generators])
        *_, last = denoise(GaussianDenoiser(), scheduler, noise, random_condition(48), steps=20, generators=generators)
        assert abs(last.denoised.mean() - 0.3) < 0.06 and 0.25 < last.denoised.std() < 0.65, name


def test_35_schedulers_that_cannot_be_driven_are_refused_by_name(pdm_pipeline):
    for name in ("EDMEulerScheduler", "FlowMatchEulerDiscreteScheduler", "DDIMInverseScheduler"):
        pipeline = PDMPipeline(pdm_pipeline.denoiser, pdm_pipeline.bank, getattr(diffusers, name)())
        with pytest.raises(ValueError, match=f"scheduler: expected one of .*, got {name}"):
            pipeline(**FEW)
    velocity = diffusers.EulerDiscreteScheduler(**EDM_CHAIN, prediction_type="v_prediction")
    with pytest.raises(ValueError, match="prediction_type 'epsilon', got 'v_prediction' in EulerDiscreteScheduler"):
        PDMPipeline(pdm_pipeline.denoiser, pdm_pipeline.bank, velocity)(**FEW)


def test_36_pictures_come_as_pil_np_or_pt(pdm_pipeline):
    def images(kind):
        return pdm_pipeline([1], generator=seeds(1, 2), num_images=2, num_inference_steps=2, output_type=kind).images

    pt, arrays, pictures = images("pt"), images("np"), images("pil")
    assert arrays.shape == (2, 16, 16, 1) and arrays.dtype == np.float32
    assert np.array_equal(np.rint(arrays * 255).astype(np.uint8).transpose(0, 3, 1, 2), pt.numpy())
    assert np.array_equal(np.asarray(pictures[1]), pt[1, 0].numpy())
    with pytest.raises(ValueError, match="output_type: expected one of pil, np, pt, latent, got 'jpeg'"):
        images("jpeg")


def test_36_ids_and_generators_are_taken_as_people_have_them(pdm_pipeline, rdm_pipeline):
    def painted(ids, generator=None, count=2):
        return pdm_pipeline(ids, num_images=count, generator=generator or seeds(1, 2), **FEW).images

    assert torch.equal(painted(np.array([3, 1])), painted([3, 1]))
    assert torch.equal(painted(torch.tensor([3, 1])), painted([np.int64(3), 1]))
    assert torch.equal(painted(3), painted([3])) and torch.equal(painted(np.int64(3)), painted([3]))
    one = painted([3], torch.Generator().manual_seed(7), 3)
    assert torch.equal(painted([3], torch.Generator().manual_seed(7), 3), one) and not torch.equal(one[0], one[1])
    assert rdm_pipeline(entries=np.int64(5), **FEW).images.shape == (1, 1, 16, 16)
    with pytest.raises(ValueError, match="prototypes: expected whole numbers from 0 to 7, got 1.5"):
        painted(np.array([1.5]))


def test_36_an_image_may_be_an_array_or_a_tensor(pdm_pipeline, rdm_pipeline):
    x = banded(1).images[0]
    same = (
        to_pil(x), x, x[None], x.float() / 255, x.numpy()[0], x.numpy().transpose(1, 2, 0),
        x[0].double().numpy() / 255, Image.fromarray(x[0].numpy()).convert("RGB"),
    )  # fmt: skip
    expected = pdm_pipeline.seen(to_pil(x))
    assert all(
        torch.equal(pipeline.seen(image), expected) for image in same for pipeline in (pdm_pipeline, rdm_pipeline)
    )
    for wrong, said in ((x.float() - 1, "from 0 to 1, got"), (x.expand(2, -1, -1), "shape"), ("a.png", "got str")):
        with pytest.raises(ValueError, match=f"image: expected .*{said}"):
            pdm_pipeline(image=wrong, **FEW)


def test_36_two_conditions_at_once_are_an_error(pdm_pipeline, rdm_pipeline):
    x = banded(1).images[0]
    for pipeline, given in (
        (pdm_pipeline, {"prototypes": [1], "image": x}),
        (pdm_pipeline, {"prototypes": [1], "unconditional": True}),
        (rdm_pipeline, {"entries": [1], "image": x}),
        (rdm_pipeline, {"image": x, "unconditional": True}),
    ):
        with pytest.raises(ValueError, match=": expected one of .*, got .* and "):
            pipeline(**given, **FEW)


def test_36_what_was_saved_can_be_read_by_others(pdm_pipeline, tmp_path):
    pdm_pipeline.save_pretrained(tmp_path / "saved")

    def never(word):
        raise AssertionError(word)

    for path in (tmp_path / "saved").rglob("*"):
        assert path.is_dir() or path.stat().st_mode & stat.S_IRGRP, path
        if path.suffix == ".json":
            json.loads(path.read_text(), parse_constant=never)
    again = load_pipeline(tmp_path / "saved")
    assert again.scheduler.config.lambda_min_clipped == pdm_pipeline.scheduler.config.lambda_min_clipped


def test_37_a_map_may_have_tiles_of_any_size(bank, tmp_path, quick_umap):
    large = banded(3, size=164)
    made = fit_map(bank, large)
    found = load_map(save_map(made, tmp_path / "map", lossy=True))
    assert found.images.shape == (12, 1, 164, 164) or found.images.shape == (12, 3, 164, 164)
    huge = banded(3).images[:, :, :1, :1].expand(-1, -1, 8000, 8000)
    with pytest.raises(ValueError, match="map: expected at most 5 pictures of 8000 x 8000 pixels, got 12"):
        fit_map(bank, type(large)("huge", huge, large.labels, large.class_names))
