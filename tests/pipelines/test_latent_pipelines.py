"""Pipelines that paint latents: sizes in pixels everywhere, and an autoencoder that is saved and loaded with them."""

import json
import shutil

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from pdm.data.images import from_pil, to_pil
from pdm.pipelines.autoencoder import load_autoencoder
from pdm.pipelines.canvas import CANVASES, Canvas, memory_needed
from pdm.pipelines.canvas_recipe import CanvasRecipe
from pdm.pipelines.loading import load_pipeline
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.regions import Regions
from pdm.pipelines.start_recipe import StartRecipe, picture_digest
from pdm.sampling.explain import explain
from pdm.sampling.solvers import make_scheduler
from tests.latents import SCALE, SIDE, latent_denoiser, latent_pdm, latent_rdm, saved_autoencoder, tiny_autoencoder
from tests.tiny import SIZE, banded, seeds, tiny_denoiser


@pytest.fixture(scope="module")
def pdm():
    return latent_pdm(student=True)


@pytest.fixture(scope="module")
def pipelines(pdm):
    return {"pdm": pdm, "rdm": latent_rdm()}


@pytest.fixture(params=["pdm", "rdm"])
def method(request):
    return request.param


@pytest.fixture
def pipeline(pipelines, method):
    return pipelines[method]


@pytest.fixture(scope="module")
def folder(pipelines, tmp_path_factory):
    folder = tmp_path_factory.mktemp("latent")
    for name, pipeline in pipelines.items():
        pipeline.save_pretrained(folder / name)
    return folder


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return to_pil(banded(channels=3, size=SIDE).images[5])


def painted(pipeline, *numbers: int, **options):
    numbers = numbers or (1,)
    options = {"num_inference_steps": 3, "output_type": "pt", **options}
    return pipeline(generator=seeds(*numbers), num_images=len(numbers), **options).images


def test_pictures_come_decoded_in_full_size_and_latents_where_they_are_asked_for(pipeline):
    assert (pipeline.image_size, pipeline.channels, pipeline.seen_size, pipeline.factor) == (SIDE, 3, SIZE, 4)
    pictures, latents = painted(pipeline, 1, 2), painted(pipeline, 1, 2, output_type="latent")
    assert pictures.dtype == torch.uint8 and pictures.shape == (2, 3, SIDE, SIDE)
    assert latents.dtype == torch.float32 and latents.shape == (2, 4, 8, 8)
    assert torch.equal(pipeline.pictures(latents), pictures)
    assert painted(pipeline, output_type="np").shape == (1, SIDE, SIDE, 3)
    assert painted(pipeline, output_type="pil")[0].size == (SIDE, SIDE)
    assert (painted(pipeline, 2).int() - pictures[1:].int()).abs().max() <= 1


def test_a_net_of_pixels_gives_what_it_painted_as_latents_too(pdm_pipeline):
    found = painted(pdm_pipeline, output_type="latent")
    assert torch.equal(pdm_pipeline.pictures(found), painted(pdm_pipeline))


def test_the_same_pictures_after_a_round_trip(pipeline, method, folder):
    index = json.loads((folder / method / "model_index.json").read_text())
    assert index["autoencoder"] == ["diffusers", "AutoencoderTiny"] and index["latents"] == SCALE
    names = {path.name for path in (folder / method / "autoencoder").iterdir()}
    assert names == {"config.json", "diffusion_pytorch_model.safetensors"}
    for loaded in (load_pipeline(folder, method), type(pipeline).from_pretrained(folder / method)):
        loaded.set_progress_bar_config(disable=True)
        assert torch.equal(painted(loaded, 1, 2), painted(pipeline, 1, 2))
    own = load_autoencoder(folder / method / "autoencoder")  # what is saved can be trained with again
    assert torch.equal(own.decoder.layers[0].weight, pipeline.autoencoder.decoder.layers[0].weight)


def test_a_student_paints_latents_that_are_decoded(pdm):
    by_student = pdm(generator=seeds(1), num_inference_steps=2, output_type="pt")
    assert by_student.painted_by == "student" and by_student.images.shape == (1, 3, SIDE, SIDE)


@pytest.mark.parametrize("tiling", ["whole", "windows"])
def test_a_canvas_has_its_sizes_and_masks_in_pixels(pipeline, tiling):
    masks = torch.zeros(2, 64, 96)
    masks[0, :, :48], masks[1, :, 48:] = 1, 1
    regions = Regions(masks, [1, 5])
    ready = pipeline.prepare(seeds(1), regions=regions, tiling=tiling)
    assert ready.noise.shape == (1, 4, 16, 24)
    left = ready.first.places[0].chunk(2)[0].sum(0)  # of the tokens of the first region
    assert torch.equal(left, torch.tensor([[1.0, 1, 1, 0, 0, 0]] * 4))  # places of 16 px at the level that attends
    assert painted(pipeline, regions=regions, tiling=tiling, num_inference_steps=1).shape == (1, 3, 64, 96)
    with pytest.raises(ValueError, match="height: expected a multiple of 16, got 40"):
        painted(pipeline, height=40, width=64)


def test_a_canvas_of_latents_takes_less_memory_than_one_of_as_many_pixels(pdm):
    canvas = pdm.canvas(height=512, width=512)
    assert canvas.factor == 4
    net = memory_needed(pdm.denoiser, canvas, guided=False) - 512 * 512 * 4 * 4 * CANVASES  # without noise and pictures
    assert net == memory_needed(pdm.denoiser, Canvas(128, 128), guided=False) - 128 * 128 * 4 * 4 * CANVASES


def test_a_canvas_that_repeats_goes_on_over_its_edges(pdm):
    for tiling in ("whole", "windows"):
        ready = pdm.prepare(seeds(1), prototypes=[1], height=64, width=64, tiling=tiling, tileable=True)
        *_, last = pdm.stream(ready, num_inference_steps=2, sampler="dpm++2m")
        assert torch.equal(pdm.pictures(last.denoised, ready), pdm_decoded(pdm, last.denoised, wraps=True))
        plain = pdm.prepare(seeds(1), prototypes=[1], height=64, width=64, tiling=tiling)
        assert torch.equal(pdm.pictures(last.denoised, plain), pdm_decoded(pdm, last.denoised, wraps=False))


def pdm_decoded(pdm, clean, *, wraps: bool) -> torch.Tensor:
    return ((pdm.space.decode(clean, wraps=wraps) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def test_what_is_kept_of_a_picture_stays_to_the_pixel_and_the_rest_is_painted(pipeline, photo):
    keep = torch.zeros(SIDE, SIDE)
    keep[:, : SIDE // 2] = 1
    found, own = painted(pipeline, 1, 2, ground=photo, keep=keep), from_pil(photo, SIDE, 3)
    assert torch.equal(found[..., : SIDE // 2], own[None, ..., : SIDE // 2].expand(2, -1, -1, -1))
    assert (found[..., SIDE // 2 :].int() - own[None, ..., SIDE // 2 :].int()).abs().float().mean() > 5


def test_a_little_strength_stays_near_what_the_autoencoder_makes_of_a_picture(pipeline, photo):
    near = pipeline.pictures(pipeline.space.encode(from_pil(photo, SIDE, 3)[None].float() / 127.5 - 1)).int()
    away = [(painted(pipeline, ground=photo, strength=s).int() - near).abs().float().mean() for s in (0.05, 1.0)]
    assert away[0] < 0.5 * away[1]


def test_the_noise_of_a_picture_is_one_of_latents_and_painting_takes_it(pipeline, photo):
    noise = pipeline.invert(photo, num_inference_steps=4)
    assert noise.shape == (1, 4, 8, 8)
    assert painted(pipeline, noise=noise, image=photo).shape == (1, 3, SIDE, SIDE)
    with pytest.raises(ValueError, match=r"noise: expected numbers of the shape \(4, 8, 8\)"):
        painted(pipeline, noise=torch.randn(1, 3, SIDE, SIDE))


def test_recipes_of_a_canvas_and_of_an_own_picture_paint_the_same_again(pdm, photo):
    start = StartRecipe(ground=picture_digest(photo), strength=0.5, turns=((7, 20.0),))
    again = [start.start(pdm, 3, ground=photo) for _ in range(2)]
    pictures = [painted(pdm, 3, ground=s.ground, strength=s.strength, noise=s.noise) for s in again]
    assert torch.equal(*pictures)
    masks = Image.new("P", (48, 32))
    masks.paste(1, (0, 0, 24, 32))
    recipe = CanvasRecipe.from_dict(CanvasRecipe.of({1: 4}, (32, 48)).to_dict())
    assert painted(pdm, 3, regions=recipe.regions(masks)).shape == (1, 3, 32, 48)


def test_features_are_those_of_small_pictures_whatever_size_comes(pipelines, photo):
    large = banded(2, channels=3, size=2 * SIZE).images.float() / 127.5 - 1
    small = F.interpolate(large, scale_factor=0.5, mode="bicubic", antialias=True).clamp(-1, 1)
    for encode in (pipelines["pdm"].bank.encode, pipelines["rdm"].encoder.embed):
        assert torch.equal(encode(large), encode(small)) and not torch.allclose(encode(small), encode(large[..., :16]))
    assert all(pipeline.seen(photo).shape == (1, 3, SIZE, SIZE) for pipeline in pipelines.values())


def test_an_explanation_shows_pictures_and_attends_on_their_pixels(pdm):
    ready = pdm.prepare(seeds(1), prototypes=[1, 2])
    found = explain(
        pdm.denoiser, ready.first, ready.noise, seeds(1)[0], steps=2, scheduler=make_scheduler(), pictures=pdm.pictures
    )
    assert found.timeline.shape == (2, 3, SIDE, SIDE) and found.attention.shape == (2, 2, SIDE, SIDE)
    assert torch.allclose(found.attention.sum(1), torch.ones(2, SIDE, SIDE), atol=1e-4)


# Wrong autoencoders


def test_an_autoencoder_that_does_not_fit_the_net_is_one_line(pdm):
    def made(autoencoder, latents, net=None):
        PDMPipeline(net or latent_denoiser(), pdm.bank, make_scheduler(), autoencoder=autoencoder, latents=latents)

    with pytest.raises(ValueError, match="autoencoder: latent_channels: expected 4, as the denoiser paints, got 8"):
        made(tiny_autoencoder(latent_channels=8), SCALE)
    for wrong in (None, {"mean": [0.0], "scale": [1.0]}, {**SCALE, "scale": [0.0] * 4}, {**SCALE, "mean": [1e99] * 4}):
        with pytest.raises(ValueError, match="latents: expected mean and scale of 4 channels"):
            made(tiny_autoencoder(), wrong)
    with pytest.raises(ValueError, match="latents: expected nothing without an autoencoder"):
        made(None, SCALE, tiny_denoiser())


def edited(folder, name: str, **changes) -> None:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("file", "changes", "said"),
    [
        ("model_index.json", {"autoencoder": ["os", "system"]}, r'autoencoder: expected \["diffusers", "Autoenc'),
        ("model_index.json", {"autoencoder": ["diffusers", "AutoencoderKL"]}, r'expected \["diffusers", "Autoenc'),
        ("model_index.json", {"latents": None}, "latents: expected mean and scale"),
        ("autoencoder/config.json", {"latent_channels": 10**9}, "latent_channels: expected a whole number from 1"),
        ("autoencoder/config.json", {"num_decoder_blocks": [10**6]}, "num_decoder_blocks: expected at most 8"),
        ("autoencoder/config.json", {"in_channels": 1}, "expected"),
    ],
)
def test_a_folder_that_claims_another_autoencoder_is_refused_in_one_line(folder, tmp_path, file, changes, said):
    copy = shutil.copytree(folder / "pdm", tmp_path / "pdm")
    edited(copy, file, **changes)
    with pytest.raises(ValueError, match=said) as caught:
        load_pipeline(copy)
    assert "\n" not in str(caught.value)


def test_what_is_no_autoencoder_is_said_in_one_line_with_how_to_give_one(tmp_path):
    def refusal(source) -> str:
        with pytest.raises(ValueError) as caught:
            load_autoencoder(source)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    how = "config.json and diffusion_pytorch_model.safetensors"
    assert how in refusal(tmp_path / "nowhere") and how in refusal(tmp_path)
    offline = refusal("madebyollin/taesd")
    assert "madebyollin/taesd" in offline and "--autoencoder FOLDER" in offline and how in offline
    pickled = saved_autoencoder(tmp_path / "pickled")
    (pickled / "diffusion_pytorch_model.safetensors").rename(pickled / "diffusion_pytorch_model.bin")
    assert "diffusion_pytorch_model.bin, a pickle, which is not read" in refusal(pickled)
    other = saved_autoencoder(tmp_path / "other")
    edited(other, "config.json", _class_name="AutoencoderKL")
    assert "expected AutoencoderTiny, got 'AutoencoderKL'" in refusal(other)
    grey = saved_autoencoder(tmp_path / "grey")
    edited(grey, "config.json", in_channels=1)
    assert "in_channels: expected 3, pictures in colour, got 1" in refusal(grey)
    damaged = saved_autoencoder(tmp_path / "damaged")
    (damaged / "diffusion_pytorch_model.safetensors").write_bytes(b"\x08" + bytes(20))
    assert "expected a complete AutoencoderTiny, got" in refusal(damaged)
    odd = saved_autoencoder(tmp_path / "odd")
    edited(odd, "config.json", latent_channels=8)
    assert "expected a complete AutoencoderTiny, got" in refusal(odd)
