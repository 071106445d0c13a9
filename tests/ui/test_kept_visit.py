"""What a browser keeps of a visit comes back as it was; whatever else it may send is checked, and left out."""

import json
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from pdm.app.painting import run
from pdm.app.requests import Request, resolved
from pdm.editing.edits import apply
from pdm.ui.generate.asked import Arrival
from pdm.ui.generate.tab import GenerateTab
from pdm.ui.judge.own_votes import OwnVotes
from pdm.ui.prototypes.blend_panel import BlendPanel
from pdm.ui.prototypes.visit import Visit
from pdm.ui.prototypes.walk_panel import WalkPanel
from pdm.ui.shared import keeping, kept_batches
from pdm.ui.shared.kept_batches import from_kept, read_of, to_keep
from pdm.ui.shared.kept_visit import model_kept, picks_from, picks_to_keep, settings_from, values_from
from pdm.ui.shared.session import Batch, BatchHistory, Picks, VisitorSets, finished
from tests.one_model import OneModel

HERE = SimpleNamespace(session_hash="visitor")
HOSTILE = [
    None,
    3,
    "x",
    "too large",
    [],
    {},
    [3],
    {"model": 3},
    {"model": "tiny"},
    {"model": "tiny", "values": [[]] * 6},
]
OPENING = np.zeros((16, 1, 16, 16), np.uint8)


def painted(studio, **asked) -> Batch:
    request = resolved(studio, Request(steps=2, **asked))
    *_, last = run(studio, request)
    return finished(studio, request, last)


@pytest.fixture(scope="module")
def edited(studio):
    return apply(studio.base, "move", {"id": 3, "point": [0.0, 0.0]}, studio.edit_context)[0]


@pytest.fixture(scope="module")
def made(studio, edited) -> BatchHistory:
    """Three batches, two of them of an edited set; the second one is shown."""
    made = BatchHistory()
    for asked in ({"count": 9}, {"prototypes": (3, 5), "prototype_set": edited}, {"prototype_set": edited, "count": 2}):
        made = made.made(painted(studio, **asked))
    return replace(made, shown=1)


def kept_and_back(studio, made) -> tuple[list, BatchHistory]:
    """As it goes to the browser and comes back, by way of JSON."""
    kept = json.loads(json.dumps(to_keep(OneModel(studio), made)))
    return kept, from_kept(OneModel(studio), kept, studio)


def same(one: Batch, other: Batch) -> bool:
    return one.request == other.request and one.evidence == other.evidence and (one.images == other.images).all()


def test_batches_come_back_with_their_pictures_recipes_and_sets(studio, made):
    kept, back = kept_and_back(studio, made)
    assert [same(*pair) for pair in zip(made.batches, back.batches, strict=True)] == [True] * 3
    assert back.shown == 1 and not back.opening and [row["set"] for row in kept][1:] == ["same", None]


def test_where_room_is_scarce_only_the_shown_batch_has_all_its_pictures_and_others_are_painted_again(
    studio, made, monkeypatch
):
    monkeypatch.setattr(kept_batches, "WHOLE", len(made.batch.sheet))
    _, back = kept_and_back(studio, made)
    assert [len(b) for b in back.batches] == [1, 16, 1] and Arrival.of_shown(back) is None
    with gr.Blocks():
        sets, model = gr.State(VisitorSets()), gr.Dropdown([studio.name], value=studio.name)
        tab = GenerateTab(OneModel(studio), BatchHistory(), sets, model)
    arrival = tab.on_recall(back, SimpleNamespace(id=2))[tab.arriving]
    assert arrival.place == 2 and tab.on_recall(back, SimpleNamespace(id=1))[tab.arriving] is None
    *_, last = tab.on_arrive(arrival, back, studio.name, 0, HERE)
    again = last[tab.made]
    assert again.shown == 2 and len(again.batches) == 3 and same(again.batches[2], made.batches[2])
    assert tab.made not in next(tab.on_arrive(arrival, back, "another", 0, HERE))


def test_the_oldest_batches_go_where_all_take_too_much_room(studio, made, monkeypatch):
    rows = to_keep(OneModel(studio), made)
    monkeypatch.setattr(kept_batches, "KEPT", sum(len(json.dumps(row, separators=(",", ":"))) for row in rows) - 1)
    kept, back = kept_and_back(studio, made)
    assert len(kept) == len(back.batches) == 2


def test_what_a_page_opened_with_is_not_kept_and_batches_of_models_not_loaded_stay_unread(studio, made):
    opening = BatchHistory(made.batches[:1], opening=True)
    row = {"model": "another", "seed": 1}
    assert to_keep(OneModel(studio), opening) == [] and to_keep(OneModel(studio), replace(opening, unread=(row,))) == [
        row
    ]
    library = OneModel(studio)
    library.names = [studio.name, "another"]
    kept = [row, *to_keep(library, made)]
    back = from_kept(library, kept, studio)
    assert len(back.batches) == 3 and back.unread == (row,) and to_keep(library, back)[-1] == row
    assert read_of(back, studio) is back


def broken(row: dict) -> list[dict]:
    """The same row with one thing wrong in each."""
    values = [None, -1, 1.5, "x", [], {}, True, 10**30, [[["x", 1]]], [[[99, 1.0]]], [[[1, float("nan")]]], "AAAA"]
    allowed = {"set": [None], "prototypes": [[]], "weights": [[]], "sampler": [], "seed": [], "hash": [], "model": []}
    rows = []
    for field in row:
        good = allowed.get(field, [])
        rows += [{**row, field: v} for v in values if v not in good and v != row[field] and field != "shown"]
    return rows + [{k: v for k, v in row.items() if k != field} for field in row if field != "shown"]


def test_a_damaged_batch_is_left_out_and_the_others_stay(studio, made):
    row = to_keep(OneModel(studio), made)[0]
    for wrong in broken(row):
        back = from_kept(OneModel(studio), [wrong], studio)
        assert len(back.batches) <= 1 and all(b.images.shape[1:] == (1, 16, 16) for b in back.batches)
        assert len(from_kept(OneModel(studio), [wrong, row], studio).batches) >= 1
    for kept in HOSTILE:
        assert from_kept(OneModel(studio), kept, studio).batches == ()


def test_undo_steps_come_back_and_redo_with_them(studio):
    history = VisitorSets().history(studio)
    edits = (("rename", {"id": 4, "name": "Mine"}), ("duplicate", {"id": 0}), ("remove", {"ids": [0]}))
    for operation, given in edits:
        prototypes, said = apply(history.now, operation, given, studio.edit_context)
        history = history.do(said, prototypes)
    for index in range(4):
        sets = VisitorSets().put(studio, history.go_to(index))
        kept = json.loads(json.dumps(keeping.stored(OneModel(studio), sets)))
        assert keeping.restored(OneModel(studio), kept).history(studio) == history.go_to(index)


def test_of_many_undo_steps_those_round_the_current_one_are_kept(studio, monkeypatch):
    monkeypatch.setattr(keeping, "MAX_STEPS", 4)
    history = VisitorSets().history(studio)
    for n in range(9):
        prototypes, _ = apply(history.now, "rename", {"id": 4, "name": f"N {n}"}, studio.edit_context)
        history = history.do(f"step {n}", prototypes)
    for index in (0, 1, 5, 9):
        sets = VisitorSets().put(studio, history.go_to(index))
        back = keeping.restored(OneModel(studio), keeping.stored(OneModel(studio), sets)).history(studio)
        assert back.now == history.go_to(index).now and len(back.steps) <= 5
        assert index == 0 or back.steps[back.index][0] == f"step {index - 1}"


@pytest.mark.parametrize("wrong", [{"at": 9}, {"at": -1}, {"at": True}, {"steps": []}, {"steps": [[]]}, {"steps": 3}])
def test_a_history_that_is_none_is_left_out(studio, edited, monkeypatch, wrong):
    said = []
    monkeypatch.setattr("gradio.Warning", said.append)
    sets = VisitorSets().put(studio, VisitorSets().history(studio).do("moved", edited))
    kept = keeping.stored(OneModel(studio), sets)[studio.name]
    for values in (kept | wrong, kept | {"steps": [["a\nb", kept["steps"][0][1]]]}, kept | {"steps": [["a", {}]]}):
        assert keeping.restored(OneModel(studio), {studio.name: values}).now(studio) is None
    assert len(said) == 3 and keeping.restored(OneModel(studio), {studio.name: kept}).now(studio) == edited


def test_a_set_kept_by_an_earlier_version_is_one_step(studio, edited):
    back = keeping.restored(OneModel(studio), {studio.name: keeping.to_delta(edited, studio.base)}).history(studio)
    assert back.now == edited and back.undo().now == studio.base


def test_picks_come_back_but_none_that_cannot_be_picked(studio):
    shown_set = studio.shown_set()
    kept = picks_to_keep(studio.name, Picks((3, 5), (0.5, 1.0)))
    assert picks_from(kept, shown_set) == Picks((3, 5), (0.5, 1.0)) and model_kept(kept, [studio.name]) == studio.name
    muted = studio.shown_set(apply(studio.base, "mute", {"ids": [3]}, studio.edit_context)[0])
    assert picks_from(kept, muted).ids == (5,) and picks_from(kept | {"model": "another"}, shown_set) == Picks()
    for wrong in (
        {"ids": [3, 3]},
        {"ids": [3, 99]},
        {"ids": [True, 5]},
        {"weights": [1]},
        {"weights": [2, 1]},
        {"ids": 3},
    ):
        assert picks_from(kept | wrong, shown_set) == Picks()
    for hostile in HOSTILE:
        assert picks_from(hostile, shown_set) == Picks() and model_kept(hostile, ["other"]) is None


def test_settings_come_back_each_by_itself(studio):
    kept = {"model": studio.name, "values": [6, 4, 2.5, "ddim", 77, True]}
    names = ("count", "steps", "guidance", "sampler", "seed", "locked")
    assert settings_from(kept, studio) == dict(zip(names, kept["values"], strict=True))
    for i, wrong in enumerate((65, 0, 11, "x", -1, 1)):
        values = [*kept["values"][:i], wrong, *kept["values"][i + 1 :]]
        assert set(names) - set(settings_from(kept | {"values": values}, studio)) == {names[i]}
    assert set(settings_from(kept | {"model": "another"}, studio)) == {"count", "steps", "seed", "locked"}
    assert all(settings_from(hostile, studio) == {} for hostile in HOSTILE)


def test_what_was_chosen_for_a_blend_and_a_walk_comes_back(studio):
    shown_set = studio.shown_set()
    with gr.Blocks():
        visit = Visit(OneModel(studio), gr.State(VisitorSets()), gr.Dropdown([studio.name], value=studio.name))
        blend, walk = BlendPanel(visit, shown_set), WalkPanel(visit, shown_set)
    views = blend.kept_views(shown_set, [3, 99, None, 0.25, 1.5])
    assert [views[c]["value"] for c in blend.kept[:3]] == [3, None, None] and [*views.values()][3:] == [0.25, 1.5]
    views = walk.kept_views(shown_set, [[1, 5, 1, 99], 4, 9, "webp"])
    assert views[walk.stars]["value"] == [1, 5] and [*views.values()][1:] == [4, 9, "webp"]
    for wrong in ([3, 5, None, 2, 1], [3, 5, None, "x", 1], [3, 5, None, 0.5, None]):
        assert blend.kept_views(shown_set, wrong) == {}
    for wrong in (
        [3, 4, 9, "webp"],
        [[1], 99, 9, "webp"],
        [[1], 4, -1, "webp"],
        [[1], 4, 9, {}],
        [[1] * 9, 4, 9, "gif"],
    ):
        assert walk.kept_views(shown_set, wrong) == {}
    assert values_from({"model": "tiny", "values": [1]}, 1, "other") is None
    assert all(values_from(hostile, 5, "tiny") is None for hostile in HOSTILE)


def test_the_tally_of_ones_own_votes_comes_back():
    own = OwnVotes(("pdm", None, "rdm", "pdm"))
    assert OwnVotes.from_kept(json.loads(json.dumps(own.to_keep()))).said() == own.said() != ""
    good = own.to_keep()
    for wrong in (
        {"neither": -1},
        {"neither": True},
        {"preferred": {"x": 1}},
        {"preferred": {"pdm": 10**9}},
        {"preferred": []},
    ):
        assert OwnVotes.from_kept(good | wrong) == OwnVotes()
    assert all(OwnVotes.from_kept(hostile) == OwnVotes() for hostile in HOSTILE)
