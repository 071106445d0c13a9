"""An evaluation is complete, goes on where it stopped, is never mixed up with another, and says what it needs."""

import json

import pytest
import torch

from pdm.evaluation import evaluate as module
from pdm.evaluation.drawing import VARIANTS, Sampling, Variant, draw
from pdm.evaluation.evaluate import FEATURES, RESULTS, VERSION, evaluate
from pdm.evaluation.quality import quality
from pdm.evaluation.references import References
from tests.saved_features import read_features
from tests.tiny import banded, tiny_feature_net

SAMPLING = Sampling(samples=24, steps=1, batch_size=5, seed=7)


@pytest.fixture(scope="module")
def references(images) -> References:
    return References.of(tiny_feature_net(), images, banded(seed=1), "train")


@pytest.fixture
def run(pdm_pipeline, images, references, tmp_path):
    """Evaluate the tiny PDM into a folder of that name."""

    def run(name: str = "out", sampling: Sampling = SAMPLING, **options) -> dict:
        options = {"variants": VARIANTS["pdm"], "per_prototype": 1, "quiet": True, **options}
        out = tmp_path / name
        return evaluate(pdm_pipeline, images, {out: references}, sampling, **options)[out]

    return run


@pytest.fixture
def stops_after(monkeypatch):
    """A function that makes sampling stop as by Ctrl-C after so many batches; it returns the batches drawn."""
    draw_batch = module.draw_batch

    def stops_after(batches: float) -> list:
        drawn = []

        def counted(pipeline, sampling, variant, start, count):
            if len(drawn) >= batches:
                raise KeyboardInterrupt
            drawn.append((variant.name, start, count))
            return draw_batch(pipeline, sampling, variant, start, count)

        monkeypatch.setattr(module, "draw_batch", counted)
        return drawn

    return stops_after


def test_the_file_holds_all_numbers_and_everything_they_depend_on(run, tmp_path, images):
    result = run(about={"command": "python -m pdm evaluate", "model": "tiny"})
    assert json.loads((tmp_path / "out" / RESULTS).read_text()) == result
    assert (result["version"], result["command"], result["model"]) == (VERSION, "python -m pdm evaluate", "tiny")
    assert result["sampling"] == {
        "samples": 24,
        "steps": 1,
        "guidance": 1.0,
        "seed": 7,
        "sampler": "DPMSolverMultistepScheduler",
        "batch_size": 5,
        "guidance_interval": None,
    }
    assert result["feature_net"] == "tiny-classifier" and result["reference"] == {"split": "train", "images": 96}
    assert result["data_hash"] == images.hash() and result["precision"] == "float32"
    assert set(result["quality"]) == {"pdm", "unconditional"}
    assert result["prototypes"]["count"] == 8 and result["fidelity"]["per_prototype"] == 1
    assert "noise_floor" not in result and not (tmp_path / "out" / "parts").exists()


def test_the_features_are_those_of_the_samples_and_the_numbers_those_of_the_features(
    run, tmp_path, pdm_pipeline, references
):
    result = run()
    found = read_features(tmp_path / "out" / FEATURES)
    for variant in VARIANTS["pdm"]:
        drawn = references.net.features(draw(pdm_pipeline, SAMPLING, variant, quiet=True))
        assert torch.allclose(found[variant.name], drawn, atol=1e-5)
        assert result["quality"][variant.name] == quality(found[variant.name], references, SAMPLING.seed)


def test_several_feature_nets_judge_the_same_samples_which_are_drawn_once(
    run, stops_after, tmp_path, pdm_pipeline, images, references
):
    alone = run("alone")
    wider = References.of(tiny_feature_net(dim=10), images, banded(seed=1), "train")
    judges = {tmp_path / "alone": references, tmp_path / "both": references, tmp_path / "both" / "wider": wider}
    drawn = stops_after(float("inf"))
    options = {"variants": VARIANTS["pdm"], "per_prototype": 1, "quiet": True}
    results = evaluate(pdm_pipeline, images, judges, SAMPLING, **options)
    assert drawn == [(v.name, 5 * i, 5 if i < 4 else 4) for v in VARIANTS["pdm"] for i in range(5)]
    assert list(results) == list(judges) and results[tmp_path / "alone"] == alone == results[tmp_path / "both"]
    again = evaluate(pdm_pipeline, images, {tmp_path / "wider": wider}, SAMPLING, **options)[tmp_path / "wider"]
    assert results[tmp_path / "both" / "wider"] == again != alone and len(drawn) == 20
    assert not list(tmp_path.glob("**/parts"))


def test_a_stopped_run_goes_on_where_it_was_and_gives_the_numbers_of_an_unbroken_one(run, stops_after, tmp_path):
    unbroken = run("unbroken")
    for batches in (3, 4):
        stops_after(batches)
        with pytest.raises(KeyboardInterrupt):
            run("stopped")
        assert not (tmp_path / "stopped" / RESULTS).exists()
    rest = stops_after(float("inf"))
    assert run("stopped") == unbroken
    assert rest == [("unconditional", 10, 5), ("unconditional", 15, 5), ("unconditional", 20, 4)]
    one, other = (read_features(tmp_path / name / FEATURES) for name in ("unbroken", "stopped"))
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_parts_of_other_settings_are_never_taken(run, stops_after):
    other = Sampling(samples=24, steps=1, batch_size=5, seed=8)
    clean = run("clean", other)
    stops_after(3)
    with pytest.raises(KeyboardInterrupt):
        run("used")
    stops_after(float("inf"))
    assert run("used", other) == clean


def test_a_damaged_part_is_named_in_a_line(run, stops_after, tmp_path):
    stops_after(3)
    with pytest.raises(KeyboardInterrupt):
        run()
    part = next((tmp_path / "out" / "parts" / "pdm").iterdir())
    part.write_bytes(part.read_bytes()[:20])
    stops_after(float("inf"))
    with pytest.raises(ValueError, match="expected a whole part, got: .*; delete it to make it again"):
        run()


def test_what_is_done_is_read_and_results_of_other_settings_are_kept(run, stops_after, tmp_path):
    first = run()
    before = (tmp_path / "out" / RESULTS).read_bytes()
    stops_after(0)
    (tmp_path / "out" / "parts" / "pdm").mkdir(parents=True)  # the run was killed after its results
    assert run() == first and not (tmp_path / "out" / "parts").exists()
    with pytest.raises(ValueError, match=r"expected results of these settings, got others \(sampling\); choose anoth"):
        run(sampling=Sampling(samples=24, steps=2, batch_size=5, seed=7))
    with pytest.raises(ValueError, match="variants, fidelity_per_prototype"):
        run(variants=VARIANTS["unconditional"])
    assert (tmp_path / "out" / RESULTS).read_bytes() == before


@pytest.mark.parametrize(
    "text, got", [('{"quality": {}}', "one of before there were versions"), ('{"version": 1}', "got 1;"), ("{", "JSON")]
)
def test_results_of_an_older_version_are_refused_in_a_line_and_kept(run, tmp_path, text, got):
    path = tmp_path / "out" / RESULTS
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ValueError, match="expected results .*delete the file to measure again") as error:
        run()
    assert got in str(error.value) and "\n" not in str(error.value)
    assert path.read_text() == text


def test_the_noise_floor_is_the_distance_to_a_second_evaluation_on_the_next_seeds(run, tmp_path):
    plain = {"variants": (Variant("pdm"),), "per_prototype": 0}
    result = run("both", floor=True, **plain)
    first = run("first", **plain)["quality"]["pdm"]
    second = run("second", Sampling(samples=24, steps=1, batch_size=5, seed=7 + 24), **plain)["quality"]["pdm"]
    assert result["quality"]["pdm"] == pytest.approx(first, abs=1e-4)
    assert result["quality_again"]["pdm"] == pytest.approx(second, abs=1e-4)
    floor = result["noise_floor"]["pdm"]
    assert floor["frechet"] == abs(result["quality"]["pdm"]["frechet"] - result["quality_again"]["pdm"]["frechet"]) > 0
    assert set(floor) == {name for name in first if not name.endswith("_sd")}
    assert len(read_features(tmp_path / "both" / FEATURES)["pdm"]) == 48


def test_guidance_and_its_interval_reach_the_pictures(run):
    plain = {"variants": (Variant("pdm"),), "per_prototype": 0}
    options = {"samples": 24, "steps": 2, "batch_size": 24, "guidance": 3.0}
    everywhere, nowhere = Sampling(**options), Sampling(**options, guidance_interval=(1e6, 1e6))
    without = run("none", Sampling(samples=24, steps=2, batch_size=24), **plain)["quality"]
    assert run("everywhere", everywhere, **plain)["quality"] != without
    assert run("nowhere", nowhere, **plain)["quality"] == without


def test_too_few_samples_are_refused_with_the_metrics_that_need_more(run, references, tmp_path):
    with pytest.raises(ValueError, match="^samples: expected at least 2 in batches of at least 1, got 1 in 100"):
        Sampling(samples=1)
    with pytest.raises(ValueError) as error:
        run(sampling=Sampling(samples=5))
    assert str(error.value) == (
        "samples: expected at least 20 for features of 8 dimensions "
        "(frechet needs 9, classifier score needs 20, density and coverage needs 6), got 5"
    )
    assert not (tmp_path / "out").exists()
    for bad in (torch.zeros(24, 7), torch.zeros(24), torch.zeros(0)):
        with pytest.raises(ValueError, match=r"^features: expected \(N, 8\), got"):
            quality(bad, references)
    with pytest.raises(ValueError, match="^samples: expected at least 20 .* got 0"):
        quality(torch.zeros(0, 8), references)
