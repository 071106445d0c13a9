"""What the page shows of a prototype set, what a visit keeps of it, and the link that brings picks back."""

import json

import pytest
import torch

from pdm.app.painting import explained, painted, run
from pdm.app.requests import Request, resolved
from pdm.app.shown_set import ShownSet
from pdm.editing.edits import apply
from pdm.sampling.walk import loop_condition
from pdm.ui.api.pictures import prototype_list
from pdm.ui.generate.why import painted_by
from pdm.ui.shared import keeping, link
from pdm.ui.shared.keeping import loaded_set, packed_set, restored, stored
from pdm.ui.shared.previews import Previews, preview_request
from pdm.ui.shared.session import Picks, VisitorSets
from tests.one_model import OneModel


def edited(studio, operation, **arguments):
    return apply(studio.base, operation, arguments, studio.edit_context)[0]


def sets_of(studio, prototypes) -> VisitorSets:
    return VisitorSets().put(studio, VisitorSets().history(studio).do("changed", prototypes))


def test_a_vocabulary_has_everything_for_every_prototype(studio):
    shown_set = studio.shown_set(edited(studio, "blend", a=1, b=5, t=0.5))
    ids = set(shown_set.prototypes.ids)
    assert (
        ids
        == set(range(9))
        == set(shown_set.names)
        == set(shown_set.colours)
        == set(shown_set.covers)
        == set(shown_set.xy)
    )
    assert sorted(shown_set.order) == sorted(ids) and set(shown_set.nearest) <= ids
    assert shown_set.edited and not studio.shown_set().edited


def test_lists_go_by_class_and_begin_with_the_prototype_of_most_of_its_images(studio, monkeypatch):
    counts = torch.tensor([[5, 9], [30, 1], [0, 40], [31, 30], [7, 7], [0, 12], [30, 0], [2, 0]]).float()
    monkeypatch.setitem(studio.pdm.bank._buffers, "class_counts", counts)
    added = edited(studio, "blend", a=1, b=6, t=0.5)  # of no counted images: by the class of the one nearest to it
    order = studio.shown_set(added).order
    assert [k for k in order if k < 8] == [3, *sorted((1, 6), key=lambda k: -added.get(k).usage), 4, 7, 2, 5, 0]
    label = int(studio.map.labels[studio.shown_set(added).covers[8]])
    assert order[-1 if label else 5] == 8


def test_what_no_edit_touched_keeps_its_hue_picture_and_place(studio):
    before, after = studio.shown_set(), studio.shown_set(edited(studio, "move", id=3, point=[0.0, 0.0]))
    for k in set(range(8)) - {3}:
        for what in ("names", "colours", "covers", "xy", "usage"):
            assert getattr(before, what)[k] == getattr(after, what)[k]
    assert after.colours[3] == before.colours[3] and after.xy[3] != before.xy[3]


def test_a_set_is_looked_up_once_and_by_its_content(studio):
    one, other = edited(studio, "rename", id=0, name="A"), edited(studio, "rename", id=0, name="A")
    assert studio.shown_set(one) is studio.shown_set(other)
    assert studio.shown_set(edited(studio, "rename", id=0, name="B")) is not studio.shown_set(one)


@pytest.mark.parametrize("wrong", [8, -1, True, "3", 1.0, None])
def test_ids_of_a_client_are_checked(studio, wrong):
    with pytest.raises(ValueError, match="prototypes: expected ids of this set"):
        studio.shown_set().check([wrong])


def test_visitors_do_not_share_what_they_made(studio):
    mine = sets_of(studio, edited(studio, "remove", ids=[2]))
    assert 2 not in mine.shown_set(studio).names and 2 in VisitorSets().shown_set(studio).names
    assert VisitorSets().now(studio) is None and mine.now(studio).ids == (0, 1, 3, 4, 5, 6, 7)


def test_a_session_is_kept_in_the_browser_and_brought_back(studio):
    prototypes = edited(studio, "split", id=0, n=2) if len(studio.map) > 200 else edited(studio, "duplicate", id=0)
    sets = sets_of(studio, prototypes)
    back = restored(OneModel(studio), stored(OneModel(studio), sets))
    assert back.history(studio).now == prototypes and back.history(studio).undo().now == studio.base
    assert stored(OneModel(studio), VisitorSets()) == {}


@pytest.mark.parametrize("kept", [None, 3, {}, {"elsewhere": {}}, {"tiny": 3}, {"tiny": {"prototypes": "x"}}])
def test_what_the_browser_kept_may_be_anything(studio, kept, monkeypatch):
    monkeypatch.setattr("gradio.Warning", lambda message: None)
    kept = {studio.name if k == "tiny" else k: v for k, v in kept.items()} if isinstance(kept, dict) else kept
    assert restored(OneModel(studio), kept).now(studio) is None


def test_edits_too_large_for_the_browser_are_not_kept_and_that_is_said_once(studio, monkeypatch):
    said = []
    monkeypatch.setattr("gradio.Warning", said.append)
    sets = sets_of(studio, edited(studio, "rename", id=4, name="Mine"))
    monkeypatch.setattr(keeping, "KEPT", len(json.dumps(stored(OneModel(studio), sets), separators=(",", ":"))))
    for name, warnings in (("Its", 0), ("A much longer name than before", 1), ("And a longer one than before", 1)):
        history = sets.history(studio)
        renamed, _ = apply(history.now, "rename", {"id": 4, "name": name}, studio.edit_context)
        sets = sets.put(studio, history.do(name, renamed))
        kept = stored(OneModel(studio), sets)
        assert (kept == {studio.name: "too large"}) == bool(warnings) and len(said) == warnings
    assert f"The edits of {studio.name} take too much room for this browser" in said[0]
    assert restored(OneModel(studio), kept).now(studio) is None and "kept in this browser took too much" in said[1]


def test_a_page_that_may_not_send_what_the_browser_kept_opens_without_it(studio, monkeypatch):
    said = []
    monkeypatch.setattr("gradio.Warning", said.append)
    assert restored(OneModel(studio), "too large").now(studio) is None and len(said) == 1


def test_a_set_is_packed_for_download_and_loaded_by_another(studio, tmp_path):
    import base64

    sets = sets_of(studio, edited(studio, "rename", id=4, name="<b>Mine</b>"))
    packed = packed_set(studio, sets)
    path = tmp_path / packed["name"]
    path.write_bytes(base64.b64decode(packed["data"]))
    assert loaded_set(studio, VisitorSets(), str(path)).now(studio) == sets.now(studio)


def test_pictures_of_an_edited_set_say_so_and_others_stay_bit_equal(studio):
    prototypes = edited(studio, "move", id=3, point=[0.0, 0.0])

    def make(k, prototype_set):
        request = Request(prototypes=(k,), count=2, steps=2, prototype_set=prototype_set)
        return list(run(studio, resolved(studio, request)))[-1]

    assert torch.equal(make(5, None).images, make(5, prototypes).images)
    assert not torch.equal(make(3, None).images, make(3, prototypes).images)
    request = resolved(studio, Request(prototypes=(3,), prototype_set=prototypes))
    assert request.recipe(studio, 0).prototype_set == prototypes.digest
    assert resolved(studio, Request()).recipe(studio, 0).prototype_set is None


def test_a_muted_prototype_is_refused_by_name(studio):
    prototypes = edited(studio, "mute", ids=[3])
    with pytest.raises(ValueError, match="prototypes: .*"):
        resolved(studio, Request(prototypes=(3,), prototype_set=prototypes))


def test_previews_are_known_by_what_they_show(studio):
    previews = Previews()
    shown_set = studio.shown_set(edited(studio, "move", id=3, point=[0.1, 0.2]))
    request = preview_request(3, shown_set.prototypes)
    assert previews.known(shown_set, request) is None
    previews.remember(shown_set, request, torch.zeros(8, 1, 4, 4, dtype=torch.uint8))
    assert previews.known(shown_set, request) is not None
    assert previews.known(studio.shown_set(), preview_request(3, None)) is None  # another vector
    renamed = apply(shown_set.prototypes, "rename", {"id": 3, "name": "Z"}, studio.edit_context)[0]
    assert previews.known(studio.shown_set(renamed), preview_request(3, renamed)) is not None


def test_an_explained_picture_is_the_one_of_the_batch(studio):
    request = resolved(studio, Request(count=3, steps=3, seed=5))
    *_, last = run(studio, request)
    why = explained(studio, request, 2)
    assert (why.timeline[-1].int() - last.images[2].int()).abs().max() <= 1
    assert why.ids == last.condition.ids[2].tolist()


def test_a_walk_is_painted_from_one_noise(studio):
    shown_set = studio.shown_set()
    frames = painted(studio, loop_condition(shown_set.vectors([1, 5]), 2, spherical=True), 7, 2)
    *_, alone = run(studio, resolved(studio, Request(prototypes=(1,), count=1, seed=7, steps=2)))
    assert (frames[0].int() - alone.images[0].int()).abs().max() <= 1 and len(frames) == 4


def test_heat_is_the_prototypes_hue_where_it_painted():
    picture, share = torch.full((1, 4, 4), 200, dtype=torch.uint8), torch.zeros(4, 4)
    share[0] = 0.5
    shown = painted_by(picture, share, "#ff0000")
    assert shown.shape == (3, 4, 4) and shown[0, 0].min() > 150 and shown[1:, 0].max() == 0
    assert torch.equal(shown[0, 1:], shown[1, 1:])  # elsewhere dimmed grey


def test_a_link_brings_back_picks_and_seed(studio):
    shown_set = studio.shown_set()
    text = link.query(studio.name, 9, Picks((3, 7), (0.25, 1.0)))
    asked = link.parsed(shown_set, dict(part.split("=") for part in text.split("&")))
    assert asked == link.Asked((3, 7), (0.25, 1.0), 9)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"prototypes": "99"},
        {"prototypes": "3,3"},
        {"prototypes": "a"},
        {"model": "other", "prototypes": "3"},
        {"seed": "-1"},
        {"seed": "1e5"},
        {"seed": "9" * 40},
    ],
)
def test_a_link_that_makes_no_sense_asks_for_nothing(studio, params):
    assert link.parsed(studio.shown_set(), params) == link.Asked()


def test_the_list_for_scripts_speaks_of_the_set(studio):
    listed = prototype_list(ShownSet(studio, edited(studio, "tag", id=2, tags=["summer"])))
    assert [p["id"] for p in listed] == list(range(8)) and listed[2]["tags"] == ["summer"]
