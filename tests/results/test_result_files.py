"""Files of results: read whole, or refused with the place where they are not what their command writes."""

from copy import deepcopy

import pytest

from pdm.evaluation.evaluation_table import evaluation_table
from pdm.experiments.ablation.ablation_table import ablation_table
from pdm.results.shapes import (
    KINDS,
    SHIPPED,
    STANDARD_NET,
    Ablation,
    Bench,
    Curves,
    Evaluation,
    read_shipped,
)
from pdm.support.paths import ASSETS
from tests.made_up_results import ABLATION, BENCH, CURVES, EVALUATION, results_folder

MADE_UP = {Bench: BENCH, Evaluation: EVALUATION, Ablation: ABLATION, Curves: CURVES}
FILES = {name: MADE_UP[kind.shape] for name, kind in KINDS.items()}


def changed(values: dict, path: str, value) -> dict:
    """A copy with another value at a path as in "rows.pdm.numbers"."""
    copy = deepcopy(values)
    *parents, last = path.split("/")
    inner = copy
    for key in parents:
        inner = inner[int(key) if isinstance(inner, list) else key]
    inner[last] = value
    return copy


@pytest.mark.parametrize("name", KINDS)
def test_what_a_command_writes_is_read_as_it_is_and_what_is_missing_is_none(name, tmp_path):
    assert read_shipped(results_folder(tmp_path / "some", **{name: FILES[name]}), name) == FILES[name]
    assert read_shipped(tmp_path, name) is None
    assert KINDS[name].command("tiny").startswith(f"python -m pdm {KINDS[name].measured_by.split()[0]} --")


@pytest.mark.parametrize(
    "name, path, value",
    [
        ("bench", "prototypes.used", "many"),
        ("bench", "machine", None),
        ("bench", "settings", {"speed": 3}),
        ("evaluation", "quality/pdm", [1]),
        ("evaluation", "quality/pdm/frechet", "0.73"),
        ("evaluation", "sampling/samples", None),
        ("evaluation", "noise_floor", 3),
        ("ablation", "rows/pdm/seeds", {}),
        ("ablation", "rows/pdm/what", 1),
        ("ablation", "settings/net", None),
        ("curves", "curves/lookup/rows/0/ms", "fast"),
        ("curves", "curves/time_by_batch/rows", None),
        ("curves", "curves/frechet_by_steps/rows/0/sampler", 7),
    ],
)
def test_another_shape_is_refused_by_the_place_where_it_differs(name, path, value, tmp_path):
    folder = results_folder(tmp_path, **{name: changed(FILES[name], path, value)})
    with pytest.raises(
        ValueError, match=rf"{name}\.json: expected results as .* writes them, got another {path[:4]}"
    ) as e:
        read_shipped(folder, name)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("text", ["", "[]", "{", "\0", "{}", '{"version": 77}'])
def test_what_is_no_file_of_results_is_one_line(name, text, tmp_path):
    (tmp_path / f"{name}.json").write_text(text)
    with pytest.raises(ValueError, match=rf"{name}\.json: expected results (as JSON|of version \d), got") as error:
        read_shipped(tmp_path, name)
    assert "\n" not in str(error.value)


def test_the_files_that_ship_are_whole():
    folders = [path for path in (ASSETS / SHIPPED).iterdir() if path.is_dir()]
    assert folders
    for folder in folders:
        assert any([read_shipped(folder, name) for name in KINDS])


def test_an_evaluation_has_a_row_a_variant_with_its_noise_floor_and_says_how_it_was_measured():
    table = evaluation_table(EVALUATION)
    rows = {row[0]: row[1:] for row in table.rows}
    assert table.head[1:3] == ("Frechet distance", "kernel distance")
    assert rows["pdm"][:3] == ("0.73", "0.0120 ± 0.0030", "0.710") and rows["pdm"][-1] == "7.50 ± 0.10"
    assert rows["pdm: noise floor"][:3] == ("0.15", "0.0010", "–")
    assert "unconditional: noise floor" not in rows and rows["real images: training against test"][0] == "0.02"
    said = " ".join(table.notes)
    for part in ("5,000 samples", "10 steps of dpm++2m", "seed 0", "60,000 train", "tiny-classifier", "not FID"):
        assert part in said
    assert table.command == EVALUATION["command"] and all(len(row) == len(table.head) for row in table.rows)


def test_only_distances_on_the_standard_net_are_called_fid():
    table = evaluation_table(EVALUATION | {"feature_net": STANDARD_NET})
    assert table.head[1:3] == ("FID", "KID") and "not FID" not in " ".join(table.notes)
    settings = ABLATION["settings"] | {"feature_net": STANDARD_NET}
    assert ablation_table(ABLATION | {"settings": settings}).head[2:4] == ("FID", "KID")
    assert "FID" not in ablation_table(ABLATION).head


def test_an_ablation_marks_what_is_no_difference_and_says_so():
    table = ablation_table(ABLATION)
    assert [row[:3] for row in table.rows] == [
        ("pdm", "2", "5.00"),
        ("rdm-whole", "1", "=5.20"),
        ("paper-kept", "2", "60.00"),
    ]
    said = " ".join(table.notes)
    assert "200,000 images" in said and "Frechet 0.30 for pdm" in said and "are not differences" in said
    unfinished = ablation_table(ABLATION | {"noise_floor": None})
    assert "noise floor" not in " ".join(unfinished.notes)
