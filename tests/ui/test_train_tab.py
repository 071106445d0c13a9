"""The Train tab is for those at this machine alone: which apps have it, and whom it answers."""

from types import SimpleNamespace

import gradio as gr
import pytest

from pdm.making.runs import Runs
from pdm.support.files import write_json
from pdm.ui.train import views
from pdm.ui.train.allowed import OUTSIDE, check_near, is_loopback, training_wanted
from pdm.ui.train.tab import TrainTab, named_after
from tests.one_model import OneModel

HERE = SimpleNamespace(headers={"host": "127.0.0.1:7860"})


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in OUTSIDE:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.0.0.53"])
def test_an_app_that_only_this_machine_reaches_trains_unless_told_not_to(host, monkeypatch):
    assert is_loopback(host) and training_wanted(host, None)
    assert not training_wanted(host, False) and not training_wanted(host, None, read_only=True)
    for name in OUTSIDE:  # strangers are led to it
        monkeypatch.setenv(name, "1")
        assert not training_wanted(host, None)
        monkeypatch.delenv(name)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.com", ""])
def test_one_that_others_reach_trains_only_where_that_was_asked_for(host):
    assert not training_wanted(host, None) and training_wanted(host, True)


def test_no_space_and_no_read_only_app_ever_trains(monkeypatch):
    with pytest.raises(ValueError, match="--train: expected it neither beside --read-only"):
        training_wanted("127.0.0.1", True, read_only=True)
    monkeypatch.setenv("SPACE_ID", "me/studio")
    assert not training_wanted("127.0.0.1", None) and not training_wanted("127.0.0.1", False)
    with pytest.raises(ValueError, match="--train: expected it neither on a Space"):
        training_wanted("127.0.0.1", True)


@pytest.fixture
def tab(studio, tmp_path):
    runs = Runs(tmp_path)
    with gr.Blocks(), gr.Tabs(), gr.Tab("Train") as tab:
        model = gr.Dropdown([studio.name])
        return TrainTab(OneModel(studio), runs, gr.HTML(), model, tab)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["X-Forwarded-For", "forwarded", "X-Real-IP", "Via"])
def test_who_comes_through_a_server_in_front_is_refused_by_every_event(tab, name):
    away = SimpleNamespace(headers={**HERE.headers, name.lower(): "192.0.2.7"})
    knobs = (45, "64", None, "none")
    asked = [
        lambda: tab.on_show(away),
        lambda: tab.on_look(away, "x", "/etc", *knobs),
        lambda: tab.on_drop(away, "x", "/etc/passwd", *knobs),
        lambda: tab._on(tab.runs.start)(away),
        lambda: tab.on_discard(away, True),
        lambda: tab.on_open(away, "tiny"),
    ]
    for ask in asked:
        with pytest.raises(gr.Error, match="expected somebody at this machine"):
            ask()
    assert not tab.runs.place.exists()
    check_near(HERE.headers)


@pytest.mark.filterwarnings("ignore")
def test_a_run_that_failed_says_why_and_can_only_be_planned_anew_or_discarded(tab):
    folder = tab.runs.place / "shapes"
    folder.mkdir(parents=True)
    write_json(folder / "run.json", {"source": "x", "making": False})
    (folder / "log.txt").write_text("pdm: error: data set '<b>': expected images, got none\n")
    shown = tab.on_show(HERE)
    said = shown[tab.status]
    assert 'data-state="failed"' in said and "data set &#x27;&lt;b&gt;&#x27;: expected images" in said
    assert [name for name, button in tab.buttons.items() if shown[button].visible] == ["discard"]
    assert shown[tab.form].visible and not shown[tab.timer].active
    assert tab.on_discard(HERE, False)[tab.status] == said
    shown = tab.on_discard(HERE, True)
    assert shown[tab.status] == "" and not any(shown[button].visible for button in tab.buttons.values())


def test_a_model_is_named_after_its_folder():
    assert [named_after(s) for s in ("/home/me/My Birds/", "C:\\a\\owls.v2.zip", "me/cats", "")] == [
        "My-Birds",
        "C-a-owls-v2",
        "cats",
        "",
    ]


def test_curves_show_the_part_that_learns_and_how_many_prototypes_are_in_use():
    points = [
        {"at": at, "part": part, "done": at, "loss": loss, "used": used}
        for at, part, loss, used in [
            (1, "prototypes", 9.0, None),
            (2, "prototypes", 8.0, [3, 8]),
            (3, "denoiser", 1.0, [4, 8]),
            (4, "denoiser", 0.5, [5, 8]),
            (5, "map", None, [5, 8]),
        ]
    ]
    shown = views.curves(points)
    assert "loss of the denoiser: <b>0.5</b>" in shown and "prototypes in use, of 8: <b>5</b>" in shown
    assert shown.count("<polyline") == 2 and 'points="0.0,4.0 480.0,116.0"' in shown
    assert views.curves(points[:1]) == ""
    for point, fine in zip(points[2:4], (0.4, 0.2), strict=True):
        point["levels"] = {"sigma < 0.05": fine, "sigma > 3": 2.0}
    shown = views.curves(points)
    assert "at sigma &lt; 0.05: <b>0.2</b>" in shown and "at sigma &gt; 3: <b>2</b>" in shown
    assert shown.count("<polyline") == 4
