"""The grid of two changes: each cell is the very picture of its values, with names and a recipe, and Stop ends it."""

import json
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from pdm.app.painting import run
from pdm.app.requests import Request, resolved
from pdm.pipelines.recipe import read_recipe
from pdm.ui.generate.settings import Settings
from pdm.ui.generate.xy_grid import AXES, CELL, GAP, NOTHING, cell, label, values_of
from pdm.ui.generate.xy_panel import XYPanel, _price
from pdm.ui.shared.events import StopSwitch
from pdm.ui.shared.session import Picks, VisitorSets
from tests.one_model import OneModel

HERE = SimpleNamespace(session_hash="visitor")
PICKS = Picks((3, 5), (0.5, 1.0))


@pytest.fixture(scope="module")
def panel(studio):
    with gr.Blocks():
        return XYPanel(OneModel(studio), Settings(studio), StopSwitch(gr.Button()))


def painted(panel, studio, across, xs, down=NOTHING, ys="", pressed=0, picks=PICKS, sampler="ddim"):
    sides = (across, xs, down, ys)
    return list(panel.on_paint(picks, VisitorSets(), studio.name, pressed, *sides, 2, 1.5, sampler, 7, HERE))


def test_every_cell_is_the_picture_of_its_values_under_their_names(panel, studio, monkeypatch):
    *half, last = painted(panel, studio, "Guidance", "1, 3.5", "Seed", "1, 2,9")
    assert [panel.picture in views for views in half] == [False] * 6 and "6 pictures" in last[panel.line]
    path = last[panel.picture]["value"]
    page, times = Image.open(path), CELL // 16
    step = 16 * times + GAP
    left, top = page.width - 2 * step, page.height - 3 * step
    for row, seed in enumerate((1, 2, 9)):
        for column, guidance in enumerate((1, 3.5)):
            mix = {"prototypes": PICKS.ids, "weights": PICKS.weights, "count": 1, "steps": 2, "sampler": "ddim"}
            *_, alone = run(studio, resolved(studio, Request(**mix, seed=seed, guidance=guidance)))
            x, y = left + column * step, top + row * step
            shown = np.asarray(page.crop((x, y, x + step - GAP, y + step - GAP)).convert("L"))[::times, ::times]
            assert (shown == alone.images[0, 0].numpy()).all()
    assert (read_recipe(path).seed, read_recipe(path).guidance) == (1, 1.0)
    assert json.loads(page.text["grid"]) == {"across": ["Guidance", [1.0, 3.5]], "down": ["Seed", [1, 2, 9]]}
    assert np.asarray(page.crop((0, 0, page.width, top)))[..., 0].min() < 100  # there are names


def test_all_kinds_of_changes_make_other_requests(studio):
    shown_set = studio.shown_set()
    base = resolved(studio, Request(prototypes=PICKS.ids, weights=PICKS.weights, count=1, steps=2))
    name = shown_set.names[6]
    typed = {
        "Prototype": f"{name}, 2",
        "Strength": "2",
        "Weight of the first pick": "0.25",
        "Guidance": "3",
        "Steps": "3",
    }
    typed |= {"Seed": "8", "Sampler": "ddim"}
    assert set(typed) == set(AXES)
    made = {
        a: cell(shown_set, base, [(a, values_of(shown_set, a, text)[0]), (NOTHING, "")]) for a, text in typed.items()
    }
    assert made["Prototype"].prototypes == (6,) and made["Strength"].prototype_set.get(3).scale == 2
    assert made["Weight of the first pick"].weights == pytest.approx((0.25, 0.75))
    assert (made["Guidance"].guidance, made["Steps"].steps, made["Seed"].seed, made["Sampler"].sampler) == (
        3,
        3,
        8,
        "ddim",
    )
    both = cell(shown_set, base, [("Prototype", 6), ("Prototype", 2)])
    assert both.prototypes == (6, 2) and both.weights == (0.5, 0.5)
    strong = cell(shown_set, base, [("Strength", 2.0), ("Prototype", 6)])
    assert strong.prototype_set.get(6).scale == 2 and label(shown_set, "Prototype", 6) == name


@pytest.mark.parametrize(
    ("side", "text", "said"),
    [
        ("Guidance", "", "expected 1 to 8 values"),
        ("Guidance", "1,2,3,4,5,6,7,8,9", "expected 1 to 8 values"),
        ("Guidance", "nan", "guidance: expected"),
        ("Guidance", None, "expected 1 to 8 values"),
        ("Steps", "1.5", "expected numbers"),
        ("Steps", "0", "steps: expected"),
        ("Sampler", "none", "sampler: expected one of"),
        ("Prototype", "nobody", "prototypes: expected"),
        ("Weight of the first pick", "2", "from 0 to 1"),
        ("Strength", "-1", "expected"),
        ("x", "1", "side: expected one of"),
        (["x"], "1", "side: expected one of"),
    ],
)
def test_wrong_values_are_said_before_anything_is_painted(panel, studio, side, text, said):
    with pytest.raises(gr.Error, match=said):
        painted(panel, studio, side, text)
    assert _price(PICKS, VisitorSets(), studio.name, 0, side, text, side, text, 2, 1.0) > 0


def test_a_weight_needs_two_picks_and_a_strength_one(panel, studio):
    for side, picks in (("Weight of the first pick", Picks((3,), (1.0,))), ("Strength", Picks())):
        with pytest.raises(gr.Error, match="or more prototypes to be picked"):
            painted(panel, studio, side, "0.5", picks=picks)


def test_stop_leaves_what_is_painted_and_values_to_begin_with_are_those_of_the_model(panel, studio, monkeypatch):
    asked = iter([False, True])
    monkeypatch.setattr(panel.switch, "asked", lambda *all: next(asked))
    *_, said, last = painted(panel, studio, "Seed", "1, 2, 3")
    assert "stopped at picture 2 of 3" in said[panel.line] and last[panel.picture]["visible"]
    begun = [panel.on_kind(PICKS, VisitorSets(), studio.name, kind) for kind in ("Prototype", "Sampler", NOTHING)]
    names = studio.shown_set().names
    assert begun[0] == ", ".join(names[k] for k in (3, 5, 0, 1)) and begun[1].startswith("dpm++2m") and begun[2] == ""
