"""The Results tab: what was measured of the chosen model, from the files that ship. Read when the tab is opened."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from pdm.app.library import Library
from pdm.evaluation.evaluation_table import evaluation_table
from pdm.experiments.ablation.ablation_table import ablation_table
from pdm.experiments.bench.bench_table import bench_table, passed_and_barred
from pdm.results.shapes import SHIPPED, read_shipped
from pdm.results.table import MISSED, Table
from pdm.ui.components.figure import Drawing, Figure, figure
from pdm.ui.results.figures import CURVES, ablation_figure
from pdm.ui.results.tables import not_measured, table_html, unreadable, values_table
from pdm.ui.shared.events import QUICK, SESSION_SECONDS

ABOUT = (
    "What was measured of this model, where, and by which command: run it to measure again. "
    "Repeated measurements differ a little, too: what differs by less than this noise floor is the same."
)
SECTIONS = {
    "bench": "What was measured",
    "evaluation": "Samples of PDM",
    "evaluation-rdm": "Samples of RDM",
    "evaluation-queries": "PDM from the images that RDM's queries come from",
    "evaluation-imagenet": "Samples of PDM, on features that never saw the classes",
    "evaluation-rdm-imagenet": "Samples of RDM, on the same features",
    "evaluation-imagenet-guided": "Samples of PDM with guidance, on the same features",
    "evaluation-rdm-imagenet-guided": "Samples of RDM with guidance, on the same features",
    "ablation": "What the method is made of",
    "curves": "How it scales",
}


class ResultsTab:
    def __init__(self, library: Library, model: gr.Dropdown, tab: gr.Tab):
        self.library = library
        gr.Markdown(ABOUT, elem_classes="about")
        self.texts: dict[str, gr.HTML] = {}
        self.figures: dict[str, Figure] = {}
        for name, title in SECTIONS.items():
            gr.HTML(f'<h2 class="results-title">{title}</h2>')
            if name == "ablation":
                self.figures[name] = Figure(elem_id="figure-ablation")
            if name == "curves":
                self._curves()
            self.texts[name] = gr.HTML("", elem_id=f"results-{name}")
        self.shown = gr.State("", time_to_live=SESSION_SECONDS)  # the model whose results are on the page
        views = [self.shown, *self.texts.values(), *self.figures.values()]
        tab.select(self.on_open, [model, self.shown], views, **QUICK)
        self.of_model = views

    def _curves(self) -> None:
        for pair in (list(CURVES)[:2], list(CURVES)[2:]):
            with gr.Row(elem_classes="columns"):
                for name in pair:
                    with gr.Column(min_width=320):
                        self.figures[name] = Figure(elem_id=f"figure-{name}")

    def on_open(self, model: str, shown: str) -> dict:
        return self.views(model) if model != shown else {self.shown: gr.skip()}

    def on_model(self, model: str, shown: str) -> dict:
        """Another model was chosen; a tab that was never opened stays empty."""
        return self.on_open(model, shown) if shown else {self.shown: gr.skip()}

    def views(self, model: str) -> dict:
        """Everything on the tab. A missing or damaged file does not hide what the other files say."""
        folder = self.library.assets / SHIPPED / self.library.get(model).name
        views: dict = {self.shown: model}
        for name, part in self.texts.items():
            text, drawings = read_section(folder, name)
            views[part] = text
            own = {"ablation": ["ablation"], "curves": list(CURVES)}.get(name, [])
            views |= {self.figures[key]: figure(drawings.get(key)) for key in own}
        return views


def read_section(folder: Path, name: str) -> tuple[str, dict[str, Drawing | None]]:
    """HTML and figures, by name, of one of `SECTIONS`."""
    try:
        results = read_shipped(folder, name)
    except ValueError as error:
        return unreadable(error, str(folder)), {}
    if results is None:
        return not_measured(name, folder.name), {}
    read = {
        "bench": _bench,
        "evaluation": _evaluation,
        "evaluation-rdm": _evaluation,
        "evaluation-queries": _evaluation,
        "evaluation-imagenet": _evaluation,
        "evaluation-rdm-imagenet": _evaluation,
        "evaluation-imagenet-guided": _evaluation,
        "evaluation-rdm-imagenet-guided": _evaluation,
        "ablation": _ablation,
        "curves": _curves,
    }
    return read[name](results)


def _bench(results: dict) -> tuple[str, dict]:
    """How many bars are reached, which ones are not, and below, folded away, all measurements."""
    table, (passed, barred) = bench_table(results), passed_and_barred(results)
    missed = tuple(row for row in table.rows if MISSED in row[-1])
    line = f"{passed} of {barred} targets met" + (f", {barred - passed} {MISSED}." if missed else ".")
    said = f'<p class="reached">{line}</p>'
    if missed:
        said += table_html(Table(table.head, missed, (), table.command), f"Targets that are {MISSED}")
    return said + table_html(table, "All measurements", folded=f"All {len(table.rows)} measurements"), {}


def _evaluation(results: dict) -> tuple[str, dict]:
    return table_html(evaluation_table(results), "How good the samples are"), {}


def _ablation(results: dict) -> tuple[str, dict]:
    table = ablation_table(results)
    drawings = {"ablation": ablation_figure(results)}
    return table_html(table, "Ablation, all metrics", folded=f"All metrics of {len(table.rows)} rows"), drawings


def _curves(results: dict) -> tuple[str, dict]:
    """The figures that were measured, and under them their numbers."""
    curves = {name: results["curves"][name] for name in CURVES if results["curves"].get(name)}
    drawings = {name: CURVES[name](curve) for name, curve in curves.items()}
    tables = [
        table_html(values_table(curve["rows"], curve["command"]), drawings[name].title, folded=drawings[name].title)
        for name, curve in curves.items()
    ]
    return "".join(tables), drawings
