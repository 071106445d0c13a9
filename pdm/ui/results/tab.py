"""The Results tab: what was measured of the chosen model, from the files that ship. Read when the tab is opened."""

from __future__ import annotations

from html import escape
from itertools import zip_longest
from pathlib import Path

import gradio as gr

from pdm.app.library import Library
from pdm.evaluation.evaluation_table import evaluation_table
from pdm.experiments.ablation.ablation_table import ablation_table
from pdm.experiments.bench.bench_table import bench_table, passed_and_barred
from pdm.results.shapes import KINDS, SHIPPED, Ablation, Bench, Curves, Evaluation, read_shipped
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
    "evaluation-guided": "Samples of PDM with guidance",
    "evaluation-rdm-guided": "Samples of RDM with guidance",
    "evaluation-queries": "PDM from the images that RDM's queries come from",
    "evaluation-imagenet": "Samples of PDM, on features that never saw the classes",
    "evaluation-rdm-imagenet": "Samples of RDM, on the same features",
    "evaluation-imagenet-guided": "Samples of PDM with guidance, on the same features",
    "evaluation-rdm-imagenet-guided": "Samples of RDM with guidance, on the same features",
    "ablation": "What the method is made of",
    "curves": "How it scales",
}
DRAWN = {"ablation": ("ablation",), "curves": tuple(CURVES)}  # the sections with figures, and theirs


class ResultsTab:
    def __init__(self, library: Library, model: gr.Dropdown, tab: gr.Tab):
        self.library = library
        gr.Markdown(ABOUT, elem_classes="about")
        self.tables = gr.HTML("", elem_id="results-tables")  # of all sections without figures
        self.titles: dict[str, gr.HTML] = {}
        self.figures: dict[str, Figure] = {}
        self.texts: dict[str, gr.HTML] = {}
        for name in DRAWN:
            with gr.Column(elem_classes="drawn"):
                self.titles[name] = gr.HTML("")
                self._figures(name)
                self.texts[name] = gr.HTML("", elem_id=f"results-{name}")
        self.missing = gr.HTML("", elem_id="results-missing")
        self.shown = gr.State("", time_to_live=SESSION_SECONDS)  # the model whose results are on the page
        parts = (*self.titles.values(), *self.figures.values(), *self.texts.values())
        views = [self.shown, self.tables, *parts, self.missing]
        tab.select(self.on_open, [model, self.shown], views, **QUICK)
        self.of_model = views

    def _figures(self, name: str) -> None:
        """Two beside each other."""
        for pair in zip_longest(*[iter(DRAWN[name])] * 2):
            with gr.Row(elem_classes="columns"):
                for key in filter(None, pair):
                    with gr.Column(min_width=320):
                        self.figures[key] = Figure(elem_id=f"figure-{key}")

    def on_open(self, model: str, shown: str) -> dict:
        return self.views(model) if model != shown else {self.shown: gr.skip()}

    def on_model(self, model: str, shown: str) -> dict:
        """Another model was chosen; a tab that was never opened stays empty."""
        return self.on_open(model, shown) if shown else {self.shown: gr.skip()}

    def views(self, model: str) -> dict:
        """Everything on the tab. A missing or damaged file does not hide what the other files say."""
        folder = self.library.assets / SHIPPED / self.library.get(model).name
        read = {name: read_section(folder, name) for name in SECTIONS}
        found = {name: section for name, section in read.items() if section is not None}
        tables = [
            f'<section id="results-{name}">{titled(name)}{text}</section>'
            for name, (text, _) in found.items()
            if name not in DRAWN
        ]
        views: dict = {self.shown: model, self.tables: "".join(tables)}
        for name, keys in DRAWN.items():
            text, drawings = found.get(name, ("", {}))
            views |= {self.titles[name]: titled(name) if text else "", self.texts[name]: text}
            views |= {self.figures[key]: figure(drawings.get(key)) for key in keys}
        missing = {name: title for name, title in SECTIONS.items() if name not in found}
        return views | {self.missing: not_measured(missing, folder.name)}


def titled(name: str) -> str:
    return f'<h2 class="results-title">{escape(SECTIONS[name])}</h2>'


def read_section(folder: Path, name: str) -> tuple[str, dict[str, Drawing | None]] | None:
    """HTML and figures, by name, of one of `SECTIONS`; None where its file is missing."""
    try:
        results = read_shipped(folder, name)
    except ValueError as error:
        return unreadable(error, str(folder)), {}
    read = {Bench: _bench, Evaluation: _evaluation, Ablation: _ablation, Curves: _curves}
    return None if results is None else read[KINDS[name].shape](results)


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
