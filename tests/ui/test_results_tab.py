"""The Results tab: figures and tables that say what they show, what is missing or damaged."""

from types import SimpleNamespace

import gradio as gr
import plotly.graph_objects as go
import pytest

from pdm.experiments.bench.bench_table import bench_table
from pdm.results.shapes import KINDS, SHIPPED, STANDARD_NET
from pdm.ui.results.figures import CURVES, ablation_figure, frechet_by_steps, lookup
from pdm.ui.results.tab import SECTIONS, ResultsTab, read_section
from pdm.ui.results.tables import not_measured
from tests import made_up_results as results

CURVE = results.CURVES["curves"]
DRAWINGS = [ablation_figure(results.ABLATION), *(CURVES[name](CURVE[name]) for name in CURVES)]
FILES = {
    "bench": results.BENCH,
    "evaluation": results.EVALUATION,
    "ablation": results.ABLATION,
    "curves": results.CURVES,
}


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.title)
def test_a_figure_is_plotlys_in_colours_of_the_page_and_names_its_command(drawing):
    go.Figure(drawing.data, drawing.layout)  # raises ValueError for a property that Plotly does not know
    shown = str([drawing.data, drawing.layout])
    assert "var(--figure-" in shown and "#" not in shown
    assert drawing.command.startswith("python -m pdm ") and drawing.caption.endswith(".")


def test_the_ablations_figure_has_each_seed_and_the_noise_floor_around_the_default():
    drawing = ablation_figure(results.ABLATION)
    means, seeds = drawing.data
    assert (means["y"], means["x"]) == (["pdm", "rdm-whole", "paper-kept"], [5.0, 5.2, 60.0])
    assert list(zip(seeds["y"], seeds["x"], strict=True))[:3] == [("pdm", 4.85), ("pdm", 5.15), ("rdm-whole", 5.2)]
    (band,) = drawing.layout["shapes"]
    assert (band["x0"], band["x1"]) == pytest.approx((4.7, 5.3)) and drawing.layout["xaxis"]["type"] == "log"
    colours = means["marker"]["color"]
    assert colours[0] == colours[1] != colours[2]
    for part in (
        "not FID",
        "5,000 samples",
        "tiny-classifier",
        "differences below the noise floor are not differences",
    ):
        assert part in drawing.caption


def test_an_ablation_without_its_default_has_no_band_and_one_without_numbers_no_figure():
    rows = {"rdm-whole": results.ABLATION["rows"]["rdm-whole"]}
    drawing = ablation_figure(results.ABLATION | {"rows": rows, "noise_floor": None})
    assert "shapes" not in drawing.layout and "noise floor" not in drawing.caption
    assert ablation_figure(results.ABLATION | {"rows": {}}) is None


def test_a_curve_is_a_line_for_each_sampler_in_the_order_of_its_steps():
    first, student = frechet_by_steps(CURVE["frechet_by_steps"]).data
    assert (first["name"], first["x"], first["y"]) == ("dpm++2m", [2, 10], [9.1, 0.8])
    assert student["name"] == "the student" and student["line"]["color"] != first["line"]["color"]


def test_memories_that_were_only_computed_have_no_time():
    exact, prototypes = lookup(CURVE["lookup"]).data
    assert (exact["x"], exact["y"], prototypes["x"]) == ([10000], [0.5], [64])


def test_only_distances_on_the_standard_net_are_called_fid():
    own = frechet_by_steps(CURVE["frechet_by_steps"])
    assert own.title.startswith("Frechet distance") and "not FID" in own.caption
    standard = frechet_by_steps(CURVE["frechet_by_steps"] | {"settings": {"feature_net": STANDARD_NET}})
    assert standard.title.startswith("FID against") and "not FID" not in standard.caption


def test_each_section_says_what_was_measured_by_which_command(tmp_path):
    folder = results_folder(tmp_path)
    text, _ = read_section(folder, "bench")
    assert "1 of 2 targets met, 1 missed." in text and "<strong>missed</strong>" in text
    measured = len(bench_table(results.BENCH).rows)
    assert f"All {measured} measurements" in text and text.count("python -m pdm bench --json x") == 2
    text, _ = read_section(folder, "evaluation")
    assert '<th scope="row">pdm: noise floor</th>' in text and "0.0120 ± 0.0030" in text
    text, drawings = read_section(folder, "ablation")
    assert "published &lt;PDM&gt;" in text and '<td class="same">=5.20</td>' in text and drawings["ablation"]
    text, drawings = read_section(folder, "curves")
    assert set(drawings) == set(CURVES) and text.count("<details") == 4 and ">5,120,000,000<" in text


def results_folder(tmp_path, **files):
    return results.results_folder(tmp_path / SHIPPED / "tiny", **(files or FILES))


def test_a_curve_that_is_not_measured_is_left_out(tmp_path):
    folder = results_folder(tmp_path, curves=results.CURVES | {"curves": {"lookup": CURVE["lookup"]}})
    text, drawings = read_section(folder, "curves")
    assert list(drawings) == ["lookup"] and text.count("<details") == 1


@pytest.mark.parametrize("name", FILES)
def test_what_is_missing_has_no_section_and_what_is_damaged_says_so_without_the_servers_folder(name, tmp_path):
    folder = results_folder(tmp_path, other={})
    assert read_section(folder, name) is None
    (folder / f"{name}.json").write_text("{")
    text, drawings = read_section(folder, name)
    assert f">{name}.json: expected results as JSON" in text and str(tmp_path) not in text and drawings == {}


def test_what_is_missing_is_named_behind_a_line_with_its_command_and_place():
    said = not_measured({"evaluation": "Samples of <PDM>", "curves": "How it scales"}, "tiny")
    assert "<summary>Not measured for this model yet: 2</summary>" in said and said.count("<li>") == 2
    assert (
        "<li><b>Samples of &lt;PDM&gt;</b> <code>python -m pdm evaluate --model tiny --data DATA --noise-floor" in said
    )
    assert "curves.json then belongs into assets/results/tiny/." in said
    assert not_measured({}, "tiny") == ""


@pytest.fixture
def tab(tmp_path):
    results_folder(tmp_path)
    library = SimpleNamespace(assets=tmp_path, get=lambda name: SimpleNamespace(name=name))
    with gr.Blocks(), gr.Tabs(), gr.Tab("Results") as tab:
        return ResultsTab(library, gr.Dropdown(["tiny", "other"]), tab)


def test_files_are_read_when_the_tab_is_opened_and_again_for_another_model(tab):
    assert list(tab.on_model("tiny", "")) == [tab.shown]  # never opened
    views = tab.on_open("tiny", "")
    assert views[tab.shown] == "tiny" and views[tab.figures["ablation"]]["title"].startswith("Ablation")
    assert [name for name in SECTIONS if f'<section id="results-{name}">' in views[tab.tables]] == [
        "bench",
        "evaluation",
    ]
    assert SECTIONS["ablation"] in views[tab.titles["ablation"]] and views[tab.texts["curves"]]
    assert f"yet: {len(SECTIONS) - len(FILES)}<" in views[tab.missing]
    assert list(tab.on_open("tiny", "tiny")) == [tab.shown]
    other = tab.on_model("other", "tiny")
    assert set(other) == set(views) == set(tab.of_model) and other[tab.figures["lookup"]] is None
    assert other[tab.tables] == other[tab.titles["curves"]] == other[tab.texts["ablation"]] == ""
    assert f"yet: {len(SECTIONS)}<" in other[tab.missing]


def test_every_kind_of_results_has_a_section():
    assert set(SECTIONS) == set(KINDS)
