"""Pictures from an edited set: what was not edited gives the same pictures, what was gives others, as asked."""

from collections import Counter
from dataclasses import replace

import pytest
import torch

from pdm.data.images import from_pil, to_pil, to_unit
from pdm.editing import edits
from pdm.editing.prototype_set import PrototypeSet, model_hash
from pdm.editing.set_file import save_set
from pdm.model.conditioning import as_tokens
from pdm.model.encoders import embed_all
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.set_condition import drawn_rows, row_scales
from pdm.sampling.solvers import make_scheduler
from tests.sets import tiny_set, unit_rows
from tests.tiny import seeds, tiny_denoiser


@pytest.fixture(scope="module")
def pipeline(images) -> PDMPipeline:
    """Of three tokens a picture, so that most rows of the table are without any two of the eight prototypes."""
    torch.manual_seed(5)
    bank = PrototypeBank(channels=1, image_size=16, count=8, dim=16, tokens=3, class_names=images.class_names).eval()
    z = embed_all(bank.encode, images.images).detach()
    with torch.no_grad():
        bank.vectors.copy_(z[:8] + 0.01 * torch.randn(8, 16))
        bank.renormalise()
    bank.record(z, images.labels, torch.Generator().manual_seed(0))
    pipeline = PDMPipeline(tiny_denoiser(), bank, make_scheduler())
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def base(pipeline) -> PrototypeSet:
    return PrototypeSet.of_bank(pipeline.bank, "tiny", model_hash(pipeline.bank))


def pixels(pipeline, *args, generator, **options) -> torch.Tensor:
    options = {"num_images": len(generator), "num_inference_steps": 3, "output_type": "pt", **options}
    return pipeline(*args, generator=generator, **options).images.int()


def drawn(pipeline, some: PrototypeSet | None, count: int = 200):
    return pipeline.condition(seeds(*range(count)), prototype_set=some)


# What was not edited


@pytest.mark.parametrize("options", [{}, {"sampler": "ddpm"}, {"prototypes": [3, 1]}, {"redraw_each_step": True}])
def test_an_unedited_set_paints_bit_equal_pictures(pipeline, base, options):
    for guidance in (1.0, 2.0):
        given = {**options, "guidance_scale": guidance}
        without = pixels(pipeline, generator=seeds(*range(6)), **given)
        assert torch.equal(pixels(pipeline, generator=seeds(*range(6)), prototype_set=base, **given), without)


def test_an_unedited_set_finds_an_images_own_prototypes_to_the_last_bit(pipeline, base, images):
    for image in images.images[:20]:
        without = pipeline.condition(seeds(1), image=to_pil(image))
        with_set = pipeline.condition(seeds(1), image=to_pil(image), prototype_set=base)
        for field in ("tokens", "weights", "ids", "is_null"):
            assert torch.equal(getattr(with_set, field), getattr(without, field))


EDITS = {
    "move": lambda s: edits.move(s, 2, torch.ones(16)),
    "remove": lambda s: edits.remove(s, [2, 5]),
    "merge": lambda s: edits.merge(s, [2, 5]),
    "split": lambda s: edits.split(s, 2, 3, unit_rows(20, 16, 1)),
    "mute": lambda s: edits.mute(s, [2]),
    "scale": lambda s: edits.scale(s, 2, 3),
    "add": lambda s: edits.add(s, torch.ones(16)),
}


@pytest.mark.parametrize("name", EDITS)
def test_untouched_prototypes_paint_bit_equal_pictures_after_an_edit_of_another(pipeline, base, name):
    edited = EDITS[name](base)
    for options in ({"prototypes": [3]}, {"prototypes": [0, 7], "weights": [3, 1]}):
        options["guidance_scale"] = 2.0
        before = pixels(pipeline, generator=seeds(1, 2), prototype_set=base, **options)
        assert torch.equal(pixels(pipeline, generator=seeds(1, 2), prototype_set=edited, **options), before)


@pytest.mark.parametrize("name", EDITS)
def test_drawn_rows_without_the_edited_prototypes_are_bit_equal(pipeline, base, name):
    before, after = drawn(pipeline, base), drawn(pipeline, EDITS[name](base))
    edited = torch.isin(before.ids, torch.tensor([2, 5])) & (before.weights > 0)
    same = ~edited.any(1)
    assert 5 < same.sum() < 195
    for field in ("tokens", "weights", "ids"):
        assert torch.equal(getattr(after, field)[same], getattr(before, field)[same])


# What was


def test_a_moved_prototypes_pictures_change_and_its_token_is_its_direction(pipeline, base):
    vector = 3 * torch.arange(16.0)
    moved = edits.move(base, 2, vector)
    condition = pipeline.condition(seeds(1), prototypes=[2], prototype_set=moved)
    torch.testing.assert_close(condition.tokens[0, 0], as_tokens(vector))
    before = pixels(pipeline, [2], generator=seeds(1, 2), guidance_scale=3.0)
    after = pixels(pipeline, [2], generator=seeds(1, 2), guidance_scale=3.0, prototype_set=moved)
    assert (after - before).abs().max() > 3


def test_added_prototypes_are_picked_by_their_ids(pipeline, base):
    added = edits.add(edits.remove(base, [0, 4]), torch.ones(16))
    condition = pipeline.condition(seeds(1, 2), prototypes=[8, 3], weights=[1, 3], prototype_set=added)
    assert condition.ids.tolist() == [[8, 3]] * 2 and condition.weights.tolist() == [[0.25, 0.75]] * 2
    torch.testing.assert_close(condition.tokens[0], as_tokens(added.vectors([8, 3])))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prototypes": [1]}, r"prototypes: expected ids that are not muted, got 1 \("),
        ({"prototypes": [0]}, r"prototypes: expected an id of this set \(1 to 8\), got 0"),
        ({"prototypes": [9]}, "prototypes: expected an id of this set"),
        ({"prototypes": [True]}, "prototypes: expected an id of this set .*got True"),
        ({"prototypes": []}, "prototypes: expected at least one id"),
        ({"prototypes": [2, 2]}, "prototypes: expected at least one id and each only once"),
        ({"prototypes": [2, 3], "weights": [1]}, "weights: expected 2, one for each prototype, got 1"),
        ({"weights": [1]}, "weights: expected prototypes beside them"),
    ],
)
def test_picks_that_the_set_does_not_have_are_refused_by_the_name_of_the_field(pipeline, base, options, message):
    edited = edits.mute(edits.add(edits.remove(base, [0]), torch.ones(16)), [1])
    with pytest.raises(ValueError, match=f"^{message}"):
        pipeline(generator=seeds(1), prototype_set=edited, **options)


def test_sets_of_another_width_or_geometry_are_refused(pipeline, base):
    for wrong in (tiny_set(4, 5), replace(base, spherical=False)):
        with pytest.raises(ValueError, match="^prototype_set: expected vectors as the model's .*16.*, got width "):
            pipeline(prototype_set=wrong)


# Rows of the table


def test_a_merge_takes_over_the_rows_of_its_members_and_counts_once_in_each(pipeline, base):
    before, after = drawn(pipeline, base), drawn(pipeline, edits.merge(base, [2, 5]))
    hit = torch.isin(before.ids, torch.tensor([2, 5]))
    expected = (before.weights * hit).sum(1)
    torch.testing.assert_close((after.weights * (after.ids == 8)).sum(1), expected)
    assert ((after.ids == 8).sum(1) == hit.any(1)).all() and not torch.isin(after.ids, torch.tensor([2, 5])).any()
    assert (after.weights[after.ids < 0] == 0).all()
    torch.testing.assert_close(after.weights.sum(1), torch.ones(200))


def test_the_children_of_a_split_share_its_rows_in_proportion_to_their_usage(pipeline, base):
    parts = edits.split(base, 2, 3, torch.eye(16)[[0] * 7 + [1] * 2 + [2]] + 0.01 * unit_rows(10, 16, 1))
    count = 3000
    table = pipeline.bank.table
    row = int((table.ids[:, 0] == 2).nonzero()[0])
    ids, _ = drawn_rows(parts, table, torch.full((count,), row), seeds(*range(count)))
    shares = Counter(ids[:, 0].tolist())
    assert [shares[k] / count for k in parts.ids[-3:]] == pytest.approx([0.7, 0.2, 0.1], abs=0.03)
    again, _ = drawn_rows(parts, table, torch.full((3,), row), seeds(7, 8, 9))
    assert again.tolist() == ids[7:10].tolist()  # by each row's own generator


def test_what_is_muted_or_removed_is_dropped_from_its_rows(pipeline, base):
    before = drawn(pipeline, base)
    for edited in (edits.mute(base, [2, 5]), edits.remove(base, [2, 5])):
        after = drawn(pipeline, edited)
        lost = torch.isin(before.ids, torch.tensor([2, 5]))
        left = torch.where(lost, 0.0, before.weights)
        kept = left.sum(1) > 0
        torch.testing.assert_close(after.weights[kept], (left / left.sum(1, keepdim=True))[kept])
        assert torch.equal(after.ids[kept], torch.where(lost, -1, before.ids)[kept])
        assert not torch.isin(after.ids, torch.tensor([2, 5])).any()


def test_a_row_left_empty_is_drawn_again_among_those_that_are_not(pipeline, base):
    only = edits.solo(base, [2, 5])
    stored = pipeline.bank.table
    empty = ~(torch.isin(stored.ids.long(), torch.tensor([2, 5])) & (stored.weights > 0)).any(1)
    assert empty.float().mean() > 0.05
    condition = drawn(pipeline, only)
    assert set(condition.ids.flatten().tolist()) == {2, 5, -1}
    torch.testing.assert_close(condition.weights.sum(1), torch.ones(200))
    before = drawn(pipeline, base)
    again = ~(torch.isin(before.ids, torch.tensor([2, 5])) & (before.weights > 0)).any(1)
    pairs = torch.cat([condition.ids.float(), condition.weights], 1)[again].tolist()
    assert len(set(map(tuple, pairs))) > 2  # not one row for all of them
    assert torch.equal(condition.ids, drawn(pipeline, only).ids)
    part = pipeline.condition(seeds(150, 151), prototype_set=only)
    assert torch.equal(part.ids, condition.ids[150:152]) and torch.equal(part.weights, condition.weights[150:152])


def test_where_no_row_is_left_the_unmuted_prototypes_are_drawn_alone(pipeline, base):
    added = edits.add(edits.add(base, torch.ones(16)), torch.eye(16)[0])
    condition = drawn(pipeline, edits.solo(added, [8, 9]), 60)
    assert set(condition.ids[:, 0].tolist()) == {8, 9} and (condition.ids[:, 1:] == -1).all()
    assert (condition.weights[:, 0] == 1).all()
    picture = pixels(pipeline, generator=seeds(1, 2), prototype_set=edits.solo(added, [8]), guidance_scale=2.0)
    picked = pixels(pipeline, [8], generator=seeds(1, 2), prototype_set=added, guidance_scale=2.0)
    assert (picture - picked).abs().max() <= 1  # tokens of weight 0 are no tokens


def test_an_image_is_described_by_the_sets_unmuted_prototypes(pipeline, base, images):
    picture = to_pil(images.images[5])
    z = pipeline.bank.encode(to_unit(from_pil(picture, 16, 1))[None]).detach()
    nearest = int(pipeline.bank.distances(z).argmin())
    edited = edits.mute(edits.add(base, 0.5 * z[0]), [nearest])
    condition = pipeline.condition(seeds(1), image=picture, prototype_set=edited)
    assert condition.ids[0, 0] == 8 and nearest not in condition.ids[0].tolist()
    few = edits.solo(base, [1, 2])
    assert sorted(pipeline.condition(seeds(1), image=picture, prototype_set=few).ids[0].tolist()) == [1, 2]


# Scale


def test_scale_multiplies_the_guidance_by_the_weighted_mean_over_the_row(pipeline, base):
    scaled = edits.scale(edits.scale(base, 2, 3), 5, 0)
    options = {"generator": seeds(1, 2), "guidance_scale": 1.5}
    for ids, weights, factor in (
        ([2], None, 3),
        ([5], None, 0),
        ([2, 5], [3, 1], 2.25),
        ([2, 1], None, 2),
        ([1], [1], 1),
    ):
        condition = pipeline.condition(seeds(1, 2), prototypes=ids, weights=weights, prototype_set=scaled)
        assert row_scales(scaled, condition).tolist() == pytest.approx([factor] * 2)
        with_set = pixels(pipeline, ids, weights, prototype_set=scaled, **{**options, "generator": seeds(1, 2)})
        without = pixels(pipeline, ids, weights, generator=seeds(1, 2), guidance_scale=1.5 * factor)
        assert (with_set - without).abs().max() <= 1, ids


def test_scales_of_one_leave_the_guidance_one_number_and_one_network_call(pipeline, base):
    condition = drawn(pipeline, base, 50)
    assert pipeline.guidance(condition, 1.5, base) == 1.5
    scaled = edits.scale(base, 2, 3)
    assert pipeline.guidance(condition, 1.5) == 1.5 and (row_scales(base, condition) == 1).all()
    without = ~((condition.ids == 2) & (condition.weights > 0)).any(1)
    assert (row_scales(scaled, condition)[without] == 1).all() and without.any()  # exactly, whatever the weights


def test_image_i_is_the_same_in_any_batch_when_scales_differ(pipeline, base):
    scaled = edits.scale(edits.scale(edits.split(base, 2, 2, unit_rows(9, 16, 1)), 5, 0.5), 1, 3)
    batch = pixels(pipeline, generator=seeds(*range(8)), prototype_set=scaled)
    for i in (0, 3, 7):
        alone = pixels(pipeline, generator=seeds(i), prototype_set=scaled)
        assert (alone[0] - batch[i]).abs().max() <= 1


def test_redrawing_at_each_step_takes_the_unmuted_and_refuses_scales(pipeline, base):
    few = edits.solo(base, [1, 4])
    seen = pipeline(
        generator=seeds(*range(20)), num_images=20, num_inference_steps=1, redraw_each_step=True, prototype_set=few
    ).condition.ids
    assert set(seen.flatten().tolist()) == {1, 4}
    with pytest.raises(ValueError, match="^redraw_each_step: expected a set in which every scale is 1"):
        pipeline(generator=seeds(1), redraw_each_step=True, prototype_set=edits.scale(base, 1, 2))


# The pipeline's own set


def test_a_pipeline_keeps_the_set_it_was_loaded_with_and_calls_may_bring_another(pipeline, base, tmp_path):
    moved = edits.move(base, 2, torch.ones(16))
    path = save_set(moved, tmp_path / "set.safetensors")
    pipeline.save_pretrained(tmp_path / "pdm")
    for source in (str(path), path, moved):
        loaded = PDMPipeline.from_pretrained(tmp_path / "pdm", prototype_set=source)
        assert loaded.prototype_set == moved and "prototype_set" not in loaded.components
    loaded.set_progress_bar_config(disable=True)
    expected = pixels(pipeline, [2], generator=seeds(1, 2), prototype_set=moved)
    assert torch.equal(pixels(loaded, [2], generator=seeds(1, 2)), expected)
    with pytest.raises(ValueError, match="^prototypes: expected an id of this set"):
        loaded([9])
    without = pixels(pipeline, [2], generator=seeds(1, 2))
    assert torch.equal(pixels(loaded, [2], generator=seeds(1, 2), prototype_set=base), without)
    assert not torch.equal(expected, without)
    loaded.save_pretrained(tmp_path / "again")
    assert PDMPipeline.from_pretrained(tmp_path / "again").prototype_set is None


def test_a_set_of_another_model_or_a_file_of_none_is_refused_when_loading(pipeline, base, tmp_path):
    pipeline.save_pretrained(tmp_path)
    other = replace(base, model="other", model_hash="0" * 16)
    with pytest.raises(
        ValueError, match="^prototype_set: expected a set made with this model .*got one made with other"
    ):
        PDMPipeline.from_pretrained(tmp_path, prototype_set=other)
    with pytest.raises(ValueError, match="missing.safetensors: expected a prototype set, got: "):
        PDMPipeline.from_pretrained(tmp_path, prototype_set=tmp_path / "missing.safetensors")
