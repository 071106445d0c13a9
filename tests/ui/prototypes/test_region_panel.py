"""A lasso: its prototypes are tagged or merged as one edit, and its images are saved with their features."""

import base64
import io

import gradio as gr
import numpy as np
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pdm.app import region_table as tables
from pdm.app.regions import prototypes_of
from pdm.ui.shared.session import VisitorSets
from tests.ui.prototypes.handlers import handlers


def asked(page, button):
    return next(e for e in handlers(page[0])["on_asked"] if e.targets[0][0] == button._id).fn


def saves(page):
    """The handlers that save the images of a lasso."""
    return [e.fn for e in handlers(page[0])["on_save"] if page[1].star_map.region in e.inputs]


@pytest.fixture
def lasso(page, guided):
    """The panel, and the views of a lasso round three images and two stars."""
    return page[1].inspector.region, page[1].inspector.region_views(guided.shown_set(), [0, 4, 9], [2, 5])


def test_the_prototypes_of_a_lasso_are_named_and_tagged_together_with_one_undo(page, guided, lasso):
    region, views = lasso
    names = [guided.base.get(k).name for k in (2, 5)]
    assert views[region.stars] == (2, 5) and ", ".join(names) in views[region.said] and views[region.fold]["visible"]
    changed = asked(page, region.tags)(VisitorSets(), guided.name, None, views[region.stars], " dark, new ")
    history = changed[page[1].visit.sets].history(guided)
    assert history.steps[-1][0] == f"tagged {names[0]} and {names[1]} with dark, new" and len(history.steps) == 2
    assert [history.now.get(k).tags for k in (2, 5)] == [("dark", "new")] * 2
    assert history.undo().now == guided.base and not changed[region.fold]["visible"]
    assert changed[page[1].star_map.chosen] == 2 and "dark, new" in changed[page[1].inspector.title]


def test_they_are_merged_into_one_which_is_chosen(page, guided, lasso):
    region, views = lasso
    changed = asked(page, region.merge)(VisitorSets(), guided.name, None, views[region.stars])
    history = changed[page[1].visit.sets].history(guided)
    assert history.steps[-1][0].startswith(f"merged {guided.base.get(2).name} and {guided.base.get(5).name} into ")
    assert len(history.now.ids) == len(guided.base.ids) - 1 and changed[page[1].star_map.chosen] == 8


def test_what_is_said_where_nothing_else_shows_an_edit_is_never_markup(page, guided, lasso, monkeypatch):
    said = []
    monkeypatch.setattr(gr, "Info", said.append)
    asked(page, lasso[0].tags)(VisitorSets(), guided.name, None, (2,), "<b>x</b>")
    assert said == [f"tagged {guided.base.get(2).name} with &lt;b&gt;x&lt;/b&gt;"]


def test_without_a_star_inside_the_prototypes_nearest_to_most_of_the_images_are_meant(guided, page):
    shown_set = guided.shown_set()
    rows = [int(i) for k in (3, 6) for i in (shown_set.nearest == k).nonzero()[0][:4]]
    assert sorted(prototypes_of(shown_set, rows, [])) == [3, 6] and prototypes_of(shown_set, rows, [1]) == [1]
    region = page[1].inspector.region
    alone = page[1].inspector.region_views(shown_set, rows[:1], [])
    assert alone[region.stars] == (3,) and not alone[region.merge]["interactive"]


def test_what_is_missing_is_asked_for(page, guided, lasso):
    region, _ = lasso
    for stars, text, said in (((), "x", "Draw a lasso"), ((2,), " , ", "Type a tag first"), ((2,), "x" * 99, "tags: ")):
        with pytest.raises(gr.Error, match=said):
            asked(page, region.tags)(VisitorSets(), guided.name, None, stars, text)
    with pytest.raises(gr.Error, match="two or more"):
        asked(page, region.merge)(VisitorSets(), guided.name, None, (2,))
    for save in saves(page):
        with pytest.raises(gr.Error, match="Draw a lasso"):
            save(VisitorSets(), guided.name, ())


def test_images_are_saved_with_their_classes_places_prototypes_pixels_and_features(page, guided):
    rows, shown_set, read = [0, 4, 9], guided.shown_set(), {"csv": csv.read_csv, "parquet": pq.read_table}
    for save, kind in zip(saves(page), ("csv", "parquet"), strict=True):
        file = save(VisitorSets(), guided.name, tuple(rows))
        assert file["name"] == f"guided-images.{kind}"
        found = read[kind](io.BytesIO(base64.b64decode(file["data"]))).to_pylist()
        assert [row["row"] for row in found] == rows
        for row in found:
            i = row["row"]
            assert [row["x"], row["y"]] == pytest.approx(guided.map.xy[i].tolist(), abs=1e-5)
            assert row["prototype_name"] == shown_set.names[row["prototype"]] == shown_set.names[shown_set.nearest[i]]
            assert row["class"] == guided.class_of(i)
            png = row["image"]["bytes"] if kind == "parquet" else base64.b64decode(row["image"])
            assert (np.asarray(Image.open(io.BytesIO(png))) == guided.map.images[i, 0].numpy()).all()
            numbers = row["features"] if kind == "parquet" else [float(v) for v in row["features"].split()]
            assert numbers == pytest.approx(guided.map.features[i].tolist(), rel=1e-5)


def test_a_file_holds_so_many_images_and_no_more(guided, monkeypatch):
    monkeypatch.setattr(tables, "MOST", 2)
    assert len(tables.region_table(guided.shown_set(), [0, 1])) == 2
    for rows in ([0, 1, 2], []):
        with pytest.raises(ValueError, match="images: expected 1 to 2 for one file, got"):
            tables.region_table(guided.shown_set(), rows)
    with pytest.raises(ValueError, match="format: expected one of csv, parquet, got"):
        tables.table_bytes(tables.region_table(guided.shown_set(), [0]), "pickle")
