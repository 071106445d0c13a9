"""Painting by region: what covers all is nothing new, order does not matter, wrong input is one line."""

import pytest
import torch

from pdm.editing.operations import move, mute
from pdm.editing.prototype_set import PrototypeSet, model_hash
from pdm.pipelines.regions import Regions, shares
from tests.tiny import SIZE, seeds

WIDE = 3 * SIZE


def halves(width: int = WIDE, height: int = SIZE) -> torch.Tensor:
    left = torch.zeros(height, width)
    left[:, : width // 2] = 1
    return torch.stack([left, 1 - left])


def own_set(bank) -> PrototypeSet:
    return PrototypeSet.of_bank(bank, "tiny", model_hash(bank))


def painted(pipeline, *generators: int, **options) -> torch.Tensor:
    options = {"num_inference_steps": 2, "output_type": "pt", "guidance_scale": 2.0, **options}
    count = len(generators) or 1
    return pipeline(generator=seeds(*(generators or (0,))), num_images=count, **options).images


def test_a_region_that_covers_all_is_a_picture_without_regions_to_the_bit(pdm_pipeline, rdm_pipeline):
    all_over = torch.ones(1, SIZE, SIZE)
    regions = Regions(all_over, [[3, 1]], [[0.7, 0.2]])
    assert torch.equal(
        painted(pdm_pipeline, regions=regions), painted(pdm_pipeline, prototypes=[3, 1], weights=[0.7, 0.2])
    )
    hidden = Regions(torch.cat([all_over, 0 * all_over]), [5, 2], ground="null")
    assert torch.equal(painted(pdm_pipeline, regions=hidden), painted(pdm_pipeline, prototypes=[5]))
    assert torch.equal(painted(rdm_pipeline, regions=Regions(all_over, [7])), painted(rdm_pipeline, entries=[7]))


@pytest.mark.parametrize(("ground", "asked"), [("table", {}), ("null", {"unconditional": True})])
def test_an_empty_canvas_is_its_ground_to_the_bit(pipeline, ground, asked):
    nothing = Regions(torch.zeros(0, SIZE, SIZE), [], ground=ground)
    assert torch.equal(painted(pipeline, 4, 5, regions=nothing), painted(pipeline, 4, 5, **asked))


def test_the_order_of_regions_changes_nothing(pdm_pipeline):
    masks = torch.rand(3, SIZE, WIDE, generator=seeds(1)[0])  # more than the whole in places, less in others
    mixes, weights = [2, [5, 0], 7], [None, [0.3, 0.7], None]
    order = [2, 0, 1]
    one = painted(pdm_pipeline, regions=Regions(masks, mixes, weights))
    other = Regions(masks[order], [mixes[i] for i in order], [weights[i] for i in order])
    assert torch.equal(one, painted(pdm_pipeline, regions=other))
    swapped = Regions(masks, [7, [5, 0], 2], weights)
    assert not torch.equal(one, painted(pdm_pipeline, regions=swapped))


def test_each_place_attends_to_its_own_region(pdm_pipeline):
    condition = pdm_pipeline.condition(seeds(0), regions=Regions(halves(), [6, [1, 2]], [None, [0.25, 0.75]]))
    assert condition.ids.tolist() == [[1, 2, 6]]  # the mix comes first, sorted by its ids
    assert condition.weights.tolist() == [[0.125, 0.375, 0.5]]
    logs = pdm_pipeline.denoiser.by_level(condition, (SIZE, WIDE))
    assert all(torch.allclose(level.exp().sum(-1), torch.tensor(1.0)) for level in logs.values())
    finest = max(logs)
    width = WIDE // pdm_pipeline.denoiser.attended[0]
    by_place = logs[finest][0].exp().unflatten(0, (-1, width))  # (h, w, M)
    assert torch.equal(by_place[:, 0], torch.tensor([0.0, 0.0, 1.0]).expand(len(by_place), -1))
    assert torch.allclose(by_place[:, -1], torch.tensor([0.25, 0.75, 0.0]).expand(len(by_place), -1))


def test_a_mosaic_is_pictures_side_by_side_each_of_what_is_wanted_on_it(pdm_pipeline, rdm_pipeline):
    """Its parts, painted alone from the same noise: one prototype, half and half, and a half of the null token."""
    noise = torch.randn(1, 1, SIZE, WIDE, generator=seeds(3)[0])
    parts = noise.unflatten(3, (3, SIZE)).movedim(3, 0)  # (3, 1, 1, SIZE, SIZE)
    options = {"tiling": "mosaic", "noise": noise}
    alone = [{"prototypes": [6]}, {"prototypes": [2, 6]}, {"prototypes": [2]}]
    mosaic = painted(pdm_pipeline, regions=Regions(halves(), [6, 2]), **options)
    beside = torch.cat([painted(pdm_pipeline, noise=part, **a) for a, part in zip(alone, parts, strict=True)], 3)
    assert (mosaic.int() - beside.int()).abs().max() <= 1  # of 255: the rounding of other batches
    nulls = painted(pdm_pipeline, regions=Regions(halves()[1:], [2], ground="null"), **options)
    first = painted(pdm_pipeline, noise=parts[0], unconditional=True)
    assert (nulls[..., :SIZE].int() - first.int()).abs().max() <= 1
    assert (nulls[..., SIZE : 2 * SIZE].int() - mosaic[..., SIZE : 2 * SIZE].int()).abs().max() > 1
    entries = painted(rdm_pipeline, regions=Regions(halves(), [7, 9]), **options)
    first = painted(rdm_pipeline, noise=parts[0], entries=[7])
    assert (entries[..., :SIZE].int() - first.int()).abs().max() <= 1


def test_soft_masks_share_a_place_and_leave_the_rest_to_the_ground():
    masks = torch.tensor([[[1.0, 0.25, 0.0]], [[1.0, 0.25, 0.0]]])
    assert shares(masks).tolist() == [[[0.5, 0.25, 0.0]], [[0.5, 0.25, 0.0]], [[0.0, 0.5, 1.0]]]


def test_an_edited_prototype_is_painted_in_its_region(pdm_pipeline, bank):
    moved = move(own_set(bank), 6, bank.vectors[1].detach())
    regions = Regions(halves(), [6, 2])
    own, edited = (pdm_pipeline.condition(seeds(0), regions=regions, prototype_set=s) for s in (None, moved))
    at = own.ids[0].tolist().index(6)
    assert not torch.allclose(own.tokens[0, at], edited.tokens[0, at])
    assert torch.equal(own.tokens[0, 1 - at], edited.tokens[0, 1 - at])


def test_entries_like_pictures_name_the_memorys_own(rdm_pipeline, images):
    assert rdm_pipeline.entries_like(images.images[[5, 70]]) == [5, 70]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Regions(torch.ones(1, 8), [1]), "masks: expected numbers (regions, height, width), got (1, 8)"),
        (lambda: Regions(2 * torch.ones(1, 8, 8), [1]), "masks: expected values from 0 to 1, got 2.0 to 2.0"),
        (lambda: Regions(torch.ones(1, 8, 8) / 0, [1]), "masks: expected values from 0 to 1, got inf"),
        (lambda: Regions(torch.ones(1, 8, 8), [1, 2]), "prototypes: expected 1, one for each region, got 2"),
        (lambda: Regions(torch.ones(1, 8, 8), [1], [None, None]), "weights: expected 1, one for each region, got 2"),
        (lambda: Regions(torch.ones(1, 8, 8), [1], ground="sea"), "ground: expected one of table, null, got 'sea'"),
        (lambda: Regions(torch.ones(1, 8, 8), [1], ground=3), "ground: expected table, null, or a mix"),
    ],
)
def test_masks_that_no_canvas_has_are_refused_in_one_line(make, message):
    with pytest.raises(ValueError) as error:
        make()
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"regions": Regions(halves(), [1, 99])}, "regions: region 1: prototypes: expected whole numbers from 0 to 7"),
        ({"regions": Regions(halves(), [1, []])}, "regions: region 1: prototypes: expected at least one id"),
        ({"regions": Regions(halves(22), [1, 2])}, "masks: width: expected a multiple of 4, got 22"),
        ({"height": 18}, "height: expected a multiple of 4, got 18"),
        ({"width": 0}, "width: expected a multiple of 4, got 0"),
        ({"regions": Regions(halves(), [1, 2]), "width": SIZE}, f"width: expected {WIDE}, as the masks have it"),
        (
            {"regions": Regions(halves(), [1, 2]), "prototypes": [1]},
            "prototypes: expected one of prototypes, image, unconditional, regions",
        ),
        ({"tiling": "tiles"}, "tiling: expected one of whole, windows, mosaic, got 'tiles'"),
        ({"height": SIZE + 4, "tiling": "mosaic"}, f"height: expected a multiple of {SIZE}, got {SIZE + 4}"),
    ],
)
def test_canvases_that_cannot_be_painted_are_refused_in_one_line(pdm_pipeline, options, message):
    with pytest.raises(ValueError) as error:
        painted(pdm_pipeline, **options)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_a_muted_prototype_is_refused_with_the_number_of_its_region(pdm_pipeline, bank):
    muted = mute(own_set(bank), [2])
    with pytest.raises(ValueError, match="regions: region 1: prototypes: expected ids that are not muted, got 2"):
        painted(pdm_pipeline, regions=Regions(halves(), [1, 2]), prototype_set=muted)
