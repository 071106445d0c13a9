"""The blind test in a real browser: nobody is told who painted before the vote, and a pair is voted on once."""

import sqlite3
from contextlib import closing

import pytest

from tests.ui.page import PHONE, tab, wait_text

READY = "() => !document.querySelector('#vote-left').disabled"
NAMES = ("PDM, prototypes", "RDM, retrieval", "Unconditional")


@pytest.fixture(autouse=True)
def no_votes(app):
    """As on the first day, whichever test has voted before."""
    with closing(sqlite3.connect(app.votes)) as file, file:
        file.execute("DELETE FROM votes")


def names(page) -> list[str]:
    return [page.inner_text(f"#blind-name-{side}").strip() for side in ("left", "right")]


def ask(page) -> None:
    """Nobody has to: a pair comes when the tab is opened."""
    tab(page, "Judge")
    page.wait_for_function(READY, timeout=60_000)


def test_methods_are_named_after_the_vote_which_counts_once(visit):
    page = visit()
    ask(page)
    assert names(page) == ["Left", "Right"]
    page.keyboard.press("ArrowLeft")
    wait_text(page, "#blind-status", "You said: left is better")
    shown = names(page)
    assert shown[0] != shown[1] and set(shown) <= set(NAMES)
    assert page.locator("#vote-left").is_disabled() and page.locator("#vote-tie").is_disabled()
    wait_text(page, "#blind-results", r"1 by all visitors[\s\S]*1 : 0|1 by all visitors[\s\S]*0 : 1")
    wait_text(page, "#blind-own", "You: 1 vote")
    page.wait_for_function(READY, timeout=60_000)  # the next pair comes by itself, and is hidden again
    assert names(page) == ["Left", "Right"]
    wait_text(page, "#blind-before", f"left was {shown[0]}; right was {shown[1]}")


def test_another_visitor_sees_the_count_and_votes_on_a_phone(visit):
    page = visit(PHONE)
    tab(page, "Judge")
    ask(page)
    page.get_by_label("Nine pictures").check()
    page.wait_for_function("document.querySelectorAll('#blind-right .cell').length === 9", timeout=60_000)
    page.wait_for_function(READY, timeout=60_000)
    assert page.locator("#blind-left .cell").count() == page.locator("#blind-right .cell").count() == 9
    page.locator("#vote-both-bad").click()
    wait_text(page, "#blind-results", "[12] both bad")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
