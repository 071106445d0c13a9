"""A guide answers what guidance leads away from, and nothing else; it is saved, packed and loaded with its pipeline."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from pdm.config import NETS, DiffusionConfig
from pdm.model.conditioning import AWAY, null_condition, stacked
from pdm.model.denoiser import build_denoiser
from pdm.model.guided import Guided
from pdm.model.packed import is_packed
from pdm.pipelines.loading import load_pipeline
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.regions import Regions
from pdm.sampling.solvers import answered, guided, make_scheduler
from tests.command_line import done, refused
from tests.guides import with_guide
from tests.tiny import DIM, SIZE, random_condition, seeds, tiny_denoiser

X, SIGMA = torch.randn(3, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(5)), torch.tensor([0.3, 1.0, 4.0])


@pytest.fixture
def nets():
    return tiny_denoiser(), tiny_denoiser(seed=9)


def pictures(pipeline, **options):
    options = {"num_images": 2, "num_inference_steps": 4, "output_type": "pt", **options}
    return pipeline(generator=seeds(1, 2)[: options["num_images"]], **options).images.int()


def test_guidance_leads_from_the_guides_null_branch_to_the_denoisers_prediction(nets):
    denoiser, guide = nets
    condition, null = random_condition(3), null_condition(3, DIM)
    got = answered(Guided(*nets), guided(X, SIGMA, condition, 2.5))
    weak = guide(X, SIGMA, null)
    torch.testing.assert_close(got, weak + 2.5 * (denoiser(X, SIGMA, condition) - weak), atol=1e-5, rtol=1e-4)
    by_itself = answered(denoiser, guided(X, SIGMA, condition, 2.5))
    assert not torch.allclose(got, by_itself, atol=1e-3)
    assert torch.equal(answered(Guided(*nets), guided(X, SIGMA, null, 2.5)), denoiser(X, SIGMA, null))


def test_rows_of_several_kinds_in_one_call_are_each_answered_by_their_net(nets):
    denoiser, guide = nets
    null = null_condition(3, DIM, 3)
    away = replace(null, ids=torch.full_like(null.ids, AWAY))
    mixed = stacked([away, random_condition(3), null])
    order = [4, 0, 8, 2, 3, 7, 1]
    x, sigma = X.repeat(3, 1, 1, 1), SIGMA.repeat(3)
    for net in (Guided(*nets), Guided(*nets).at_fixed_condition()):
        for _ in range(2):  # with what is kept, too
            got = net(x[order], sigma[order], mixed[order])
            for place, row in enumerate(order):
                by = guide if row < 3 else denoiser
                expected = by(x[[row]], sigma[[row]], mixed[[row]])[0]
                torch.testing.assert_close(got[place], expected, atol=1e-5, rtol=1e-4)


def test_without_guidance_and_with_other_conditions_the_guide_is_not_asked(pipeline):
    broken = tiny_denoiser(seed=9)
    broken.forward = None  # raises where it is called
    guarded = with_guide(pipeline, broken)
    name = "prototypes" if isinstance(pipeline, PDMPipeline) else "entries"
    for options in ({"guidance_scale": 1.0}, {"guidance_scale": 2.0, "negative": [2], name: [1]}):
        if "negative" in options and name == "entries":
            continue
        assert torch.equal(pictures(guarded, **options), pictures(pipeline, **options))
    with pytest.raises(TypeError):
        pictures(guarded, guidance_scale=2.0)


def test_a_denoiser_that_guides_itself_paints_as_without_a_guide_and_another_one_does_not(pipeline):
    options = {"guidance_scale": 3.0}
    plain = pictures(pipeline, **options)
    assert (pictures(with_guide(pipeline, pipeline.denoiser), **options) - plain).abs().max() <= 1
    assert (pictures(with_guide(pipeline, tiny_denoiser(seed=9)), **options) - plain).abs().max() > 3


def test_what_is_painted_on_a_picture_is_guided_by_the_nets_own_null_branch_at_all_levels(pipeline, nets):
    ours = with_guide(pipeline, tiny_denoiser(seed=9))
    ours.register_to_config(guided_above=1.0)
    ground = torch.rand(1, SIZE, SIZE, generator=torch.Generator().manual_seed(3))
    on = {"ground": Image.fromarray((255 * ground[0]).byte().numpy()), "strength": 0.5, "guidance_scale": 3.0}
    assert torch.equal(pictures(ours, **on), pictures(pipeline, **on))
    back = {"strength": 0.5, "guidance_scale": 3.0, "num_inference_steps": 4}
    assert torch.equal(ours.invert(on["ground"], **back), pipeline.invert(on["ground"], **back))
    assert not torch.equal(pictures(ours, guidance_scale=3.0), pictures(pipeline, guidance_scale=3.0))


def test_canvases_are_guided_and_the_student_is_not(pdm_pipeline, nets):
    ours = with_guide(pdm_pipeline, nets[1])
    masks = torch.zeros(1, 32, 32)
    masks[:, :, 16:] = 1
    land = Regions(masks, prototypes=[3])
    for tiling in ("whole", "windows", "mosaic"):
        options = {"regions": land, "tiling": tiling, "num_images": 1, "guidance_scale": 2.0}
        assert not torch.equal(pictures(ours, **options), pictures(pdm_pipeline, **options))
    ours.register_modules(student=nets[0])
    assert ours.net_for("student", 2) is nets[0]


def test_pack_gives_a_model_a_guide_which_is_saved_and_loaded_with_it(saved, pipeline, nets, tmp_path, capfd):
    method = "pdm" if isinstance(pipeline, PDMPipeline) else "rdm"
    earlier = with_guide(pipeline, None)
    earlier.register_modules(denoiser=nets[1])
    earlier.save_pretrained(tmp_path / "earlier")
    out = tmp_path / "packed"
    asked = ("pack", "--model", saved / method, "--method", method)
    done(capfd, *asked, "--guide", tmp_path / "earlier", "--out", out)
    assert is_packed(out / "guide")
    loaded = load_pipeline(out, method)
    assert loaded.guide is not None and loaded.nets == (loaded.denoiser, loaded.guide)
    for name, weight in nets[1].state_dict().items():
        torch.testing.assert_close(loaded.guide.state_dict()[name], weight, atol=0.02, rtol=0.02)
    loaded.save_pretrained(tmp_path / "again")
    assert load_pipeline(tmp_path / "again", method).guide is not None
    assert load_pipeline(saved / method, method).guide is None


def test_a_smaller_net_without_condition_guides_both_methods(saved, pipeline, pdm_pipeline, tmp_path, capfd):
    method = "pdm" if isinstance(pipeline, PDMPipeline) else "rdm"
    net = replace(NETS["tiny"], block_out_channels=(8, 16))
    small = build_denoiser(net, DiffusionConfig(), channels=1, size=SIZE, token_dim=DIM)
    PDMPipeline(small, pdm_pipeline.bank, make_scheduler()).save_pretrained(tmp_path / "small")
    asked = ("pack", "--model", saved / method, "--method", method)
    done(capfd, *asked, "--guide", tmp_path / "small", "--out", tmp_path / "packed")
    guided = load_pipeline(tmp_path / "packed", method)
    assert guided.guide.num_parameters() == small.num_parameters() < guided.denoiser.num_parameters()
    guided.set_progress_bar_config(disable=True)
    assert not torch.equal(pictures(guided, guidance_scale=2.0), pictures(guided, guidance_scale=1.0))


def test_a_guide_of_other_pictures_is_refused_in_one_line(pdm_pipeline, saved, tmp_path, capfd):
    colour = tiny_denoiser(channels=3)
    with pytest.raises(ValueError, match="guide: expected a net with channels 1, as the denoiser, got 3"):
        PDMPipeline(pdm_pipeline.denoiser, pdm_pipeline.bank, make_scheduler(), guide=colour)
    PDMPipeline(colour, pdm_pipeline.bank, make_scheduler()).save_pretrained(tmp_path / "colour")
    asked = ("pack", "--model", saved / "pdm", "--guide", tmp_path / "colour", "--out", tmp_path / "packed")
    assert "guide: expected a net with channels 1" in refused(capfd, *asked)
    assert not (tmp_path / "packed").exists()
