"""The methods beside PDM and RDM: loaded when asked for, checked and painted like the others; each says what it is."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from pdm.app.costs import bytes_kept
from pdm.app.hints import hinted
from pdm.app.painting import run
from pdm.app.requests import AUTO, Request, max_steps, resolved, samplers
from pdm.app.studio import Studio
from pdm.cli import main
from pdm.data.images import from_pil
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines import lazy as lazy_pipelines
from pdm.pipelines.lazy import LazyPipelines
from pdm.pipelines.loading import load_pipeline
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.recipe import read_recipe
from pdm.sampling.solvers import SAMPLERS, make_scheduler
from pdm.ui.compare.ways import NONE, WAYS, painters, starting, ways
from pdm.ui.shared.evidence import NULL_BRANCH, evidence_views
from pdm.ui.shared.neighbours import neighbour_views
from pdm.ui.shared.session import finished
from tests.tiny import CLASSES, tiny_denoiser


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model folder with s-pdm/, paper/ and unconditional/ beside what other tests need."""
    folder = tmp_path_factory.mktemp("methods") / "tiny"
    torch.manual_seed(5)
    options = {"channels": 1, "image_size": 16, "dim": 16, "class_names": CLASSES}
    classes = PrototypeBank(count=4, supervised=True, **options)
    classes.class_counts.copy_(torch.eye(4))
    published = PrototypeBank(count=6, tokens=1, spherical=False, **options)
    empty = PrototypeBank(**options)
    PDMPipeline(tiny_denoiser(1), classes, make_scheduler()).save_pretrained(folder / "s-pdm")
    denoiser = tiny_denoiser(2, preconditioning="vp")
    PDMPipeline(denoiser, published, make_scheduler("ddpm", "vp")).save_pretrained(folder / "paper")
    PDMPipeline(tiny_denoiser(3), empty, make_scheduler()).save_pretrained(folder / "unconditional")
    return folder


@pytest.fixture
def others(folder) -> LazyPipelines:
    return LazyPipelines(folder, device=torch.device("cpu"), dtype=torch.float32)


@pytest.fixture
def full(studio, others) -> Studio:
    return replace(studio, others=others)


def painted(studio, method, **values):
    request = resolved(studio, Request(method, count=2, steps=3, **values))
    return request, list(run(studio, request))[-1]


def test_they_are_offered_before_any_is_loaded_and_each_is_loaded_once(full, others, monkeypatch):
    loaded = []
    monkeypatch.setattr(lazy_pipelines, "load_pipeline", lambda *a, **k: loaded.append(a[1]) or load_pipeline(*a, **k))
    assert full.methods == ("pdm", "rdm", "unconditional", "s-pdm", "paper")
    assert [key for _, key in ways(full)] == [*WAYS, NONE] and starting(full) == ["pdm", "rdm", "unconditional"]
    assert [painters(full, key)[1] for key in starting(full)] == [100] * 3 and loaded == []
    assert full.pipeline("paper") is full.pipeline("paper") and loaded == ["paper"]
    assert painters(full, "paper") == ((AUTO, *SAMPLERS), 1000)


def test_a_model_without_them_offers_none(studio, tmp_path):
    none = LazyPipelines(tmp_path, device=torch.device("cpu"), dtype=torch.float32)
    bare = replace(studio, rdm=None, others=none)
    assert bare.methods == ("pdm", "unconditional") and starting(bare) == ["pdm", NONE, "unconditional"]
    assert [key for _, key in ways(bare)] == ["pdm", "unconditional", NONE]
    with pytest.raises(ValueError, match="^method: expected one of pdm, unconditional, got 'paper'"):
        resolved(bare, Request("paper"))


def test_a_damaged_one_is_one_line_when_it_is_asked_for(studio, folder, tmp_path):
    broken = tmp_path / "tiny" / "s-pdm"
    broken.mkdir(parents=True)
    (broken / "model_index.json").write_text("{")
    options = {"device": torch.device("cpu"), "dtype": torch.float32}
    damaged = replace(studio, others=LazyPipelines(broken.parent, **options))
    assert "s-pdm" in damaged.methods
    with pytest.raises(ValueError, match="model_index.json: expected the index of a pipeline"):
        resolved(damaged, Request("s-pdm"))


def test_each_method_paints_with_its_own_net(full):
    images = {method: painted(full, method)[1].images for method in full.methods}
    assert len({image.numpy().tobytes() for image in images.values()}) == 5


def test_the_net_without_a_condition_wins_over_the_null_branch(studio, full):
    request, frame = painted(full, "unconditional")
    assert not torch.equal(frame.images, painted(studio, "unconditional")[1].images)
    said, _ = evidence_views(full, finished(full, request, frame), 0)
    assert "trained without any condition" in said and NULL_BRANCH not in said
    said, _ = evidence_views(studio, finished(studio, *painted(studio, "unconditional")), 0)
    assert "null token" in said


@pytest.mark.parametrize("sampler", ["dpm++2m", "heun", "ddpm"])
def test_each_picture_of_the_published_sampler_can_be_made_alone(full, sampler):
    _, together = painted(full, "paper", seed=8, sampler=sampler)
    for i in range(2):
        request = resolved(full, Request("paper", count=1, steps=3, seed=8 + i, sampler=sampler))
        *_, alone = run(full, request)
        shares = [((alone.images[0].int() - x.int()).abs() > 1).float().mean() for x in together.images]
        # Its chain starts at a noise of 22,000: there heun's steps make another pixel of a rounding now and then.
        assert shares[i] <= (0.05 if sampler == "heun" else 0) and shares[1 - i] > 0.05


def test_the_published_sampler_draws_a_prototype_at_every_step_and_takes_the_steps_of_its_chain(full):
    pipeline, asked = full.pipeline("paper"), []
    hook = pipeline.denoiser.register_forward_pre_hook(lambda net, inputs: asked.append(inputs[2].ids[:, 0].tolist()))
    try:
        request = resolved(full, Request("paper", count=3, steps=20, seed=1))
        *_, last = run(full, request)
    finally:
        hook.remove()
    assert len(asked) == 20 and len({tuple(ids) for ids in asked}) > 5
    assert last.condition.ids[:, 0].tolist() == asked[0] and request.sampler == "ddpm"
    assert max_steps(pipeline) == 1000 and samplers(pipeline) == (AUTO, *SAMPLERS)
    resolved(full, Request("paper", steps=1000))
    with pytest.raises(ValueError, match="^steps: expected a whole number from 1 to 100, got 1000"):
        resolved(full, Request("s-pdm", steps=1000))


def test_the_command_makes_the_same_picture_from_the_recipe(full, folder, tmp_path):
    request, frame = painted(full, "paper", seed=4)
    command = ["sample", "--model", str(folder), "--method", "paper", "--steps", "3", "--seed", "5", "--count", "1"]
    assert main([*command, "--device", "cpu", "--out", str(tmp_path / "out")]) == 0
    recipe = read_recipe(tmp_path / "out" / "0000.png")
    assert recipe.method == "paper" and recipe.sampler == request.recipe(full, 1).sampler
    made = from_pil(Image.open(tmp_path / "out" / "0000.png"), 16, 1)
    other, same = ((made.int() - image.int()).abs().float().mean() for image in frame.images)
    assert same < other / 5  # the command may paint in half precision, which the published chain makes much of


def test_what_they_cannot_take_is_refused_by_its_field(full, folder, capsys):
    with pytest.raises(ValueError, match="^guidance: expected 1 for method 'paper'"):
        resolved(full, Request("paper", guidance=1.5))
    with pytest.raises(ValueError, match="^prototypes: expected none for method 's-pdm'"):
        resolved(full, Request("s-pdm", prototypes=(1,)))
    with pytest.raises(ValueError, match="^prototype_set: expected none for method 's-pdm'"):
        resolved(full, Request("s-pdm", prototype_set=full.base))
    command = ["sample", "--model", str(folder), "--method", "paper", "--out", "x"]
    assert main([*command, "--guidance", "2"]) == 2
    assert "--guidance: expected 1 for --method paper" in capsys.readouterr().err


def test_evidence_names_the_prototypes_of_their_own_bank(full):
    said, grid = evidence_views(full, finished(full, *painted(full, "s-pdm")), 0)
    assert any(f"{name} 1" in said for name in CLASSES) and "100 %" in said and grid["items"] == []
    said, _ = evidence_views(full, finished(full, *painted(full, "paper")), 0)
    assert "Prototype " in said and "each later one drew another" in said


def test_what_they_keep_is_counted_with_the_methods_that_are_asked_for(full):
    kept = bytes_kept(full, {"s-pdm", "unconditional"})
    assert kept == {"s-pdm": dict.fromkeys(("disk", "RAM"), full.pipeline("s-pdm").bank.bytes_kept)}
    assert list(bytes_kept(full)) == ["pdm", "rdm"]


def test_a_hint_becomes_prototypes_of_the_methods_own_bank(full):
    condition, _ = hinted(full, "s-pdm", [1, 2])
    assert condition.ids.max() < 4 and not condition.is_null.any()
    assert hinted(full, "unconditional", [1, 2])[0].is_null.all()


def test_a_neighbour_that_the_map_does_not_hold_is_grey_and_said_to_be(studio):
    source = studio.rdm.memory.source_ids.tolist()
    known, unknown = min(range(len(source)), key=source.__getitem__), max(range(len(source)), key=source.__getitem__)
    fewer = {name: getattr(studio.map, name)[: source[unknown]] for name in ("xy", "features", "labels", "images")}
    shown = studio.with_map(replace(studio.map, **fewer))
    assert "Grey ones" not in neighbour_views(studio, [(known, 0.1), (unknown, 0.2)])[0]
    assert "Grey ones" in neighbour_views(shown, [(known, 0.1), (unknown, 0.2)])[0]
    assert "Grey ones" not in neighbour_views(shown, [(known, 0.1)])[0]
