"""Pictures of one's own: kept, painted over, inverted and varied, by both pipelines; and what is none of them."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from pdm.data.images import from_pil, to_pil
from pdm.editing.operations import move, mute
from pdm.editing.prototype_set import PrototypeSet, model_hash
from pdm.pipelines.start import Start, as_seen
from tests.tiny import SIZE, seeds

WIDE = 3 * SIZE


@pytest.fixture
def photo(images) -> Image.Image:
    return to_pil(images.images[7])


def half(width: int = SIZE) -> torch.Tensor:
    keep = torch.zeros(SIZE, width)
    keep[:, : width // 2] = 1
    return keep


def painted(pipeline, *generators: int, **options) -> torch.Tensor:
    options = {"num_inference_steps": 4, "output_type": "pt", "guidance_scale": 2.0, **options}
    count = len(generators) or 1
    return pipeline(generator=seeds(*(generators or (0,))), num_images=count, **options).images.int()


@pytest.mark.parametrize("sampler", ["dpm++2m", "heun", "ddpm"])
def test_the_kept_half_stays_and_the_other_is_painted(pipeline, photo, images, sampler):
    found = painted(pipeline, 1, 2, ground=photo, keep=half(), sampler=sampler)
    away = (found - images.images[7].int()).abs()
    assert away[..., : SIZE // 2].max() <= 2 and away[..., SIZE // 2 :].float().mean() > 5
    assert not torch.equal(found[0], found[1])


def test_a_wide_canvas_keeps_a_wide_picture_beside_regions_and_windows(pdm_pipeline):
    wide = Image.fromarray(np.linspace(0, 255, WIDE * SIZE).reshape(SIZE, WIDE).astype(np.uint8))
    for tiling in ("whole", "windows"):
        found = painted(pdm_pipeline, ground=wide, keep=half(WIDE), width=WIDE, tiling=tiling, prototypes=[3])
        assert (found[0, 0] - from_pil(wide, (SIZE, WIDE), 1)[0].int())[:, : WIDE // 2].abs().max() <= 2


def test_at_full_strength_a_ground_that_is_not_kept_changes_no_bit(pipeline, photo):
    fresh = painted(pipeline, 3)
    assert torch.equal(fresh, painted(pipeline, 3, ground=photo))
    assert torch.equal(fresh, painted(pipeline, 3, ground=photo, keep=torch.zeros(SIZE, SIZE)))
    near, far = (painted(pipeline, 3, ground=photo, strength=s) - from_bytes(photo) for s in (0.25, 0.75))
    assert near.abs().float().mean() < far.abs().float().mean()


def from_bytes(photo) -> torch.Tensor:
    return from_pil(photo, SIZE, 1).int()


def test_a_picture_comes_back_from_its_own_noise_and_another_mix_changes_it(pipeline, photo):
    steps = 20  # a net that learned nothing has no smooth paths, and few steps leave them
    noise = pipeline.invert(photo, num_inference_steps=steps)
    assert noise.shape == (1, 1, SIZE, SIZE)
    options = {"noise": noise, "num_inference_steps": steps, "guidance_scale": 1.0, "sampler": "heun"}
    again = painted(pipeline, image=photo, **options)
    assert (again - from_bytes(photo)).abs().float().mean() < 2
    other = painted(pipeline, unconditional=True, **options | {"sampler": "dpm++2m"})
    assert (other - from_bytes(photo)).abs().float().mean() > 4


def test_inversion_to_a_strength_paints_from_the_same_strength(pdm_pipeline, photo):
    mix = {"prototypes": [2, 5], "weights": [0.7, 0.3]}
    noise = pdm_pipeline.invert(photo, num_inference_steps=30, strength=0.5, **mix)
    options = {"noise": noise, "num_inference_steps": 30, "guidance_scale": 1.0, "ground": photo, "strength": 0.5}
    assert (painted(pdm_pipeline, **mix, **options) - from_bytes(photo)).abs().float().mean() < 2


def test_noise_is_painted_from_as_if_it_had_been_drawn_and_the_seed_draws_the_rest(pipeline):
    noise = pipeline.noise(seeds(8))
    assert torch.equal(painted(pipeline, 8), painted(pipeline, 8, noise=noise))
    assert torch.equal(painted(pipeline, 8), painted(pipeline, 8, noise=noise[0]))
    two = painted(pipeline, 4, 5, noise=noise, unconditional=True, sampler="dpm++2m")
    assert (two[0] - two[1]).abs().max() <= 1  # the same noise for both


def test_variations_turn_the_noise_and_can_be_stacked(pdm_pipeline):
    noise, mix = pdm_pipeline.noise(seeds(8)), {"prototypes": [3]}
    same = painted(pdm_pipeline, 9, noise=noise, **mix)
    near, far = (painted(pdm_pipeline, 9, noise=noise, angle=a, **mix) for a in (5, 90))
    assert 0 < (near - same).abs().float().mean() < (far - same).abs().float().mean()
    first = Start(noise=noise, angle=20).noise_from(pdm_pipeline.noise(seeds(9)))
    second = Start(noise=first, angle=20).noise_from(pdm_pipeline.noise(seeds(10)))
    stacked = painted(pdm_pipeline, 10, noise=first, angle=20, **mix)
    assert torch.equal(painted(pdm_pipeline, 10, noise=second, **mix), stacked)


# AND and NOT


def test_a_negative_of_weight_0_is_none_to_the_bit_and_another_is_not(pdm_pipeline):
    plain = painted(pdm_pipeline, 3, prototypes=[1])
    assert torch.equal(plain, painted(pdm_pipeline, 3, prototypes=[1], negative=[4], negative_weights=[0]))
    assert not torch.equal(plain, painted(pdm_pipeline, 3, prototypes=[1], negative=[4]))


def test_a_product_of_one_prototype_is_that_one_and_of_two_is_not_their_mix(pdm_pipeline):
    assert torch.equal(painted(pdm_pipeline, prototypes=[1]), painted(pdm_pipeline, prototypes=[1], product=True))
    mixed, both = (painted(pdm_pipeline, prototypes=[1, 4], product=p) for p in (False, True))
    assert not torch.equal(mixed, both)
    turned_round = painted(pdm_pipeline, prototypes=[4, 1], product=True)
    assert (both - turned_round).abs().max() <= 1


def test_what_is_asked_of_the_net_is_counted_and_the_mix_is_reported(pdm_pipeline):
    asked = {"prototypes": [1, 4], "weights": [0.75, 0.25], "product": True, "negative": [2, 3, 5]}
    ready = pdm_pipeline.prepare(seeds(1, 2), guidance_scale=2.0, negative_weights=[1, 0, 0.5], **asked)
    assert ready.branches == 5 and ready.first.ids.tolist() == [[1, 4]] * 2
    assert ready.guidance_scale == 3.0 and [w for _, w in ready.others] == [1.0, -2.0, -1.0]
    plain = pdm_pipeline.prepare(seeds(1), guidance_scale=1.0)
    assert plain.branches == 1 and plain.calls(10) == 10


def test_a_negative_is_of_the_edited_set_with_its_strength(pdm_pipeline, bank):
    own = PrototypeSet.of_bank(bank, "tiny", model_hash(bank))
    moved = move(own, 4, bank.vectors[1].detach())
    edited = replace(moved, prototypes=tuple(replace(p, scale=3.0 if p.id == 4 else 1.0) for p in moved.prototypes))
    ready = pdm_pipeline.prepare(seeds(1), prototypes=[2], prototype_set=edited, negative=[4], guidance_scale=2.0)
    (condition, weight), = ready.others  # fmt: skip
    assert torch.equal(condition.tokens, pdm_pipeline.condition(seeds(1), prototypes=[4], prototype_set=edited).tokens)
    assert float(weight) == -6.0


# What is no picture, no mask and no noise


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": 0.0}, "strength: expected a number above 0 and up to 1, got 0.0"),
        ({"strength": 1.5}, "strength: expected a number above 0 and up to 1, got 1.5"),
        ({"strength": float("nan")}, "strength: expected a number above 0 and up to 1, got nan"),
        ({"ground": "photo.png"}, "ground: expected a picture, got 'photo.png'"),
        ({"ground": None, "strength": 0.5}, "ground: expected a picture beside a strength or what to keep"),
        ({"ground": None, "keep": half()}, "ground: expected a picture beside a strength or what to keep"),
        ({"keep": half(8)}, f"keep: expected a mask of the canvas's size ({SIZE}, {SIZE}), got ({SIZE}, 8)"),
        ({"keep": 2 * half()}, "keep: expected values from 0 to 1, got '0 to 2'"),
        ({"keep": half() / 0}, "keep: expected values from 0 to 1, got"),
        ({"keep": "left"}, "keep: expected a mask (height, width), got 'left'"),
        ({"keep": np.array([["a"]], object)}, "keep: expected a mask (height, width), got"),
        ({"noise": torch.zeros(1, SIZE, 8)}, f"noise: expected numbers of the shape (1, {SIZE}, {SIZE})"),
        ({"noise": torch.full((1, SIZE, SIZE), float("inf"))}, "noise: expected finite numbers"),
        ({"noise": [1.0]}, f"noise: expected numbers of the shape (1, {SIZE}, {SIZE}) for a picture, got [1.0]"),
        ({"angle": 20}, "noise: expected some beside an angle to turn it by, got none"),
        ({"noise": torch.zeros(1, SIZE, SIZE), "angle": 200}, "angle: expected degrees from 0 to 180, got 200"),
    ],
)
def test_what_is_no_picture_mask_or_noise_is_refused_in_one_line(pipeline, photo, options, message):
    with pytest.raises(ValueError) as error:
        painted(pipeline, **{"ground": photo, **options})
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"negative": [99]}, "negative: prototypes: expected whole numbers from 0 to 7, got 99"),
        ({"negative": [2, 2]}, "negative: expected at most 8 ids, each once, got [2, 2]"),
        ({"negative": [2], "negative_weights": [1, 1]}, "negative_weights: expected 1, one for each, got 2"),
        ({"negative": [2], "negative_weights": [-1]}, "negative_weights: expected numbers from 0 to 10, got -1"),
        ({"negative_weights": [1]}, "negative_weights: expected 0, one for each, got 1"),
        ({"product": True}, "prototypes: expected at least one id and each only once, got []"),
    ],
)
def test_negatives_that_mean_nothing_are_refused_in_one_line(pdm_pipeline, options, message):
    with pytest.raises(ValueError) as error:
        painted(pdm_pipeline, **options)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_a_muted_negative_is_refused(pdm_pipeline, bank):
    muted = mute(PrototypeSet.of_bank(bank, "tiny", model_hash(bank)), [2])
    with pytest.raises(ValueError, match="negative: prototypes: expected ids that are not muted, got 2"):
        painted(pdm_pipeline, prototypes=[1], negative=[2], prototype_set=muted)


def test_what_cannot_be_inverted_is_refused(pdm_pipeline, photo):
    with pytest.raises(ValueError, match="image: expected a picture, got None"):
        pdm_pipeline.invert(None)
    with pytest.raises(ValueError, match="num_inference_steps: expected a whole number of at least 1, got 0"):
        pdm_pipeline.invert(photo, num_inference_steps=0)


def test_a_picture_is_turned_as_its_exif_says_and_composited_as_the_data_was():
    pixels = np.zeros((SIZE, SIZE), np.uint8)
    pixels[: SIZE // 2] = 200  # bright above
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise: bright at the right
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", exif=exif)
    seen = as_seen(Image.open(file), SIZE, 1)[0, 0]
    assert seen[:, SIZE // 2 :].mean() > 0.4 and seen[:, : SIZE // 2].mean() < -0.9
    clear = Image.merge("LA", [Image.fromarray(pixels), Image.new("L", (SIZE, SIZE), 0)])
    assert as_seen(clear, SIZE, 1).max() == -1  # black beneath, as in `from_pil`


def test_a_picture_is_cut_to_the_canvas_shape_about_its_middle():
    picture = Image.fromarray(np.repeat(np.arange(0, 240, 10, dtype=np.uint8)[:, None], 48, 1))  # 24 x 48, darker above
    cut = from_pil(picture, (16, 64), 1)[0].float()
    assert cut.shape == (16, 64) and 55 < cut[0].mean() < 70 and 160 < cut[-1].mean() < 185
    assert torch.equal(from_pil(picture, 16, 1), from_pil(picture, (16, 16), 1))


def test_a_pipeline_asks_for_no_window_of_a_mosaic_that_is_kept(pipeline):
    keep = torch.ones(SIZE, 2 * SIZE)
    keep[:, SIZE + 3] = 0.5
    start = Start(torch.zeros(1, SIZE, 2 * SIZE), keep)
    options = {"height": SIZE, "width": 2 * SIZE, "tiling": "mosaic"}
    assert pipeline.prepare(seeds(1), start=start, **options).windows.corners == [(0, SIZE)]
    assert len(pipeline.prepare(seeds(1), **options).windows.corners) == 2
