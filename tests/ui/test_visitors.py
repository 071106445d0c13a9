"""The benchmark's visitors, a handful of them for a second, on the app that the other tests use."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from pdm.experiments.bench import visitors as module
from pdm.experiments.bench.guests import BrowserGuest, ClientGuest, timed
from pdm.experiments.bench.visitor import Answer, Page, Visitor, same
from pdm.experiments.bench.visitors import Visits, held, visit

SEEN = {
    "generate": ["pick", "generate"],
    "star": ["star"],
    "edit": ["edit", "preview"],
    "drag": ["drag", "drag", "drag", "drop", "edit", "preview"],
    "compare": ["compare"],
    "vote": ["pair", "vote"],
}


@pytest.fixture(scope="module")
def page(app_url):
    return Page(app_url)


@pytest.mark.parametrize("action", module.ACTIONS)
def test_whatever_a_visitor_does_is_an_event_of_the_page(page, action, monkeypatch):
    monkeypatch.setattr(Visitor, "ask", lambda self, what, *rest, **options: Answer(what, 0.0))
    visitor = Visitor(page, 1)
    assert [answer.event for answer in getattr(visitor, action)()] == SEEN[action]
    visitor.close()


def test_clicks_and_edits_are_answered_and_what_is_wrong_is_told(page):
    visitor = Visitor(page, 2)
    assert [a.error for a in visitor.star()] == [""]
    edit = next(visitor.edit())
    assert edit.error == "" and "map" in edit.outputs
    (wrong,) = (visitor.ask("star", page.event("map", "star"), data={"id": 10**6}),)
    assert "prototype" in wrong.error and not wrong.refused
    visitor.close()


def test_visitors_at_once_get_their_own_pictures(app_url, monkeypatch):
    monkeypatch.setattr(module, "ACTIONS", {"generate": 1})
    visits = visit(app_url, visitors=3, seconds=0.1, think=0.0)
    numbers = visits.numbers("few")
    assert numbers["visitors.few.answers"] >= 3 and numbers["visitors.few.generate_p95_s"] > 0
    wrong = [numbers[f"visitors.few.{key}"] for key in ("errors", "leaks", "refused", "refused_clicks")]
    assert wrong == [0, 0, 0, 0]


def test_pictures_of_somebody_else_are_leaks_be_it_one_of_four(app_url, page, monkeypatch):
    with Visitor(page, 0) as own, Visitor(page, 2) as other:
        assert [a.error for visitor in (own, other) for a in visitor.generate()] == ["", ""]
    (mine,), (theirs,) = own.got, other.got
    mixed = mine.copy()
    mixed[: len(mine) // 2, : mine.shape[1] // 2] = theirs[: len(mine) // 2, : mine.shape[1] // 2]
    monkeypatch.setattr(module, "ACTIONS", {"generate": 1})
    monkeypatch.setattr(module, "each", lambda visitors, work: visitors[0].got.extend([mine, theirs, mixed]))
    assert visit(app_url, visitors=1, seconds=0, think=0).leaks == 2


def test_a_script_gets_its_own_pictures_again_until_it_edits(app_url):
    with ClientGuest(app_url, 3) as guest, guest.again() as again:
        answers = [*guest.generate(), *again.generate(), *guest.edit(), *guest.generate()]
    assert [(a.event, a.error) for a in answers] == [
        (name, "") for name in ("generate", "generate", "edit", "generate")
    ]
    (mine,), (repeated,) = guest.got, again.got
    assert same(mine, repeated)


def test_a_browser_clicks_and_votes_and_its_console_counts(app_url):
    def stay():
        with BrowserGuest(app_url, 1) as guest:
            answers = [*guest.star(), *guest.vote(), *guest.generate()]
            guest.page.evaluate("() => console.error('no good')")
            return [(a.event, a.error) for a in [*answers, *guest.star()]]

    with ThreadPoolExecutor(1) as thread:  # of its own: a browser that other tests use belongs to theirs
        said = thread.submit(stay).result()
    assert said == [("star", ""), ("vote", ""), ("generate", ""), ("star", ""), ("console", "no good")]


def test_what_a_guest_is_refused_is_an_error():
    def refused():
        raise ValueError("Not now")

    assert timed("star", refused).error == "ValueError: Not now"


def test_numbers_are_of_what_was_answered_and_refusals_are_no_errors():
    answers = [Answer("star", k / 100) for k in range(100)]
    answers += [
        Answer("star", 9, True, "429: too many"),
        Answer("generate", 9, True, "painting: ..."),
        Answer("edit", 9, False, "?"),
    ]
    numbers = Visits(answers, leaks=2).numbers("x")
    assert numbers["visitors.x.star_p50_s"] == pytest.approx(0.495)
    assert numbers["visitors.x.star_p95_s"] == 0.95
    kept = {key: numbers[f"visitors.x.{key}"] for key in ("answers", "errors", "leaks", "refused", "refused_clicks")}
    assert kept == {"answers": 103, "errors": 1, "leaks": 2, "refused": 2, "refused_clicks": 1}
    assert "visitors.x.generate_p50_s" not in numbers


def test_what_a_process_holds():
    now = held(os.getpid())
    assert now.rss > 1e6 and now.threads >= 1 and now.files >= 1
