"""A model that takes long to load: the page says so at once, shows nothing of the last one, and others go on."""

import re
import threading
from types import SimpleNamespace

import pytest
import torch

from pdm.app import library as module
from pdm.app.library import Library
from pdm.app.votes import Votes
from pdm.ui import page as pages
from pdm.ui.components.map_view import served_files
from pdm.ui.components.model_cards import choice
from pdm.ui.guard.settings import launch_options
from pdm.ui.shared.latest import Turns
from tests.ui.app_server import ROOT
from tests.ui.page import WAIT, WIDE, tab, wait_text

SLOW = {"another": "cifar10", "eurosat": "eurosat", "cifar10": "cifar10"}  # by the folder of each
LIMIT = 60  # seconds to wait for a model
# Press a card. Whether it says that it is loading, with the tabs covered, before anything else can happen.
CHOOSE = """title => {
  const card = [...document.querySelectorAll('#models button')].find(b => b.innerText.startsWith(title));
  card.click();
  const pressed = document.querySelector('#models [aria-pressed=true][aria-busy=true]');
  return Boolean(pressed?.innerText.includes('loading')) && Boolean(document.querySelector('#tabs').dataset.loading);
}"""
PICTURES = "id => document.querySelector(`${id} .pictures`)?.style.getPropertyValue('--sheet')"
# What lies in front at the first picture: the tabs' own cover, or the picture.
COVERED = """() => {
  const box = document.querySelector('#made .cell').getBoundingClientRect();
  return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2).id === 'tabs';
}"""


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """The page of five models: one loaded, three that load when their gate opens, and one that is damaged."""
    assets, gates = tmp_path_factory.mktemp("assets"), {name: threading.Event() for name in SLOW}
    for name, folder in {"fashion-mnist": "fashion-mnist", **SLOW}.items():
        (assets / name).symlink_to(ROOT / "assets" / folder)
    (assets / "worn" / "pdm").mkdir(parents=True)
    (assets / "worn" / "pdm" / "model_index.json").write_text('{"_class_name": "PDMPipeline"}')
    load = module.load_studio

    def waiting(folder, **options):
        assert gates[folder.name].wait(LIMIT) if folder.name in gates else True
        return load(folder, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "load_studio", waiting)
        library = Library("fashion-mnist", device=torch.device("cpu"), dtype=torch.float32, assets=assets)
        pages.gr.set_static_paths(served_files())
        blocks = pages.build(library, "a test", Votes(assets / "votes.sqlite"))
        # Guarded, or nobody would be known to listen, and what paints for over ten seconds would be given up.
        guarded = launch_options(blocks, "127.0.0.1")
        _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False, css=pages.css(), **guarded)
        yield SimpleNamespace(url=url, gates=gates, library=library)
        for gate in gates.values():
            gate.set()
        blocks.close()


@pytest.fixture(scope="module")
def visit(slow, browser):
    contexts = []

    def open_page():
        contexts.append(browser.new_context(viewport=WIDE, reduced_motion="reduce"))
        page = contexts[-1].new_page()
        page.goto(f"{slow.url}#generate")
        page.wait_for_selector("#made .cell", timeout=WAIT)
        page.wait_for_selector("#models img.strip", timeout=WAIT)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def page(visit):
    """One visitor, who chooses one model after another."""
    return visit()


def chosen(page, title: str) -> None:
    """Wait until a model is on the page, and nothing is covered."""
    page.wait_for_function(
        """t => document.querySelector('#models [aria-pressed=true][aria-busy=false]')?.innerText.startsWith(t)
        && !document.querySelector('#tabs').dataset.loading""",
        arg=title,
        timeout=WAIT,
    )


def test_a_model_being_loaded_is_said_at_once_and_covers_the_last_one(slow, page, visit):
    other = visit()
    tab(page, "Compare")
    page.locator("#compare").click()
    wait_text(page, "#compare-status", r"Seed \d+")
    assert page.locator("#compare-1 .cell").count() and page.locator("#times").inner_text()
    tab(page, "Generate")
    before = page.evaluate(PICTURES, "#made")
    assert page.evaluate(CHOOSE, "another")
    assert page.evaluate(COVERED)
    cover = page.evaluate("getComputedStyle(document.querySelector('#tabs'), '::before').backgroundColor")
    assert re.search(r"[/,] ?0\.78\)", cover)  # the old pictures are seen through it, dimmed
    page.evaluate("document.querySelector('#generate').click()")  # as from the keyboard
    assert page.locator("#history .cell").count() == 1 and "Seed" in page.locator("#generate-status").inner_text()
    other.locator("#generate").click()  # another visitor's model is not waited for
    other.wait_for_function("document.querySelectorAll('#history .cell').length === 2", timeout=WAIT)
    assert page.evaluate("document.querySelector('#tabs').dataset.loading")
    slow.gates["another"].set()
    chosen(page, "another")
    assert page.evaluate(PICTURES, "#made") not in (before, "", None)
    assert page.locator("#compare-status").text_content().strip() == "Press Compare."
    assert not page.locator("#compare-1 .cell").count() and not page.locator("#times").text_content().strip()


def test_of_two_quick_choices_the_last_one_wins_whichever_is_there_first(slow, page):
    assert page.evaluate(CHOOSE, "CIFAR-10") and page.evaluate(CHOOSE, "EuroSAT")
    slow.gates["eurosat"].set()
    chosen(page, "EuroSAT")  # it did not wait for the first one, which is still loading
    shown = page.evaluate(PICTURES, "#made"), page.evaluate(PICTURES, "#prototypes")
    slow.gates["cifar10"].set()
    page.wait_for_timeout(1500)
    chosen(page, "EuroSAT")
    assert (page.evaluate(PICTURES, "#made"), page.evaluate(PICTURES, "#prototypes")) == shown
    wait_text(page, "#prototypes", "Forest|Sea|River|Crop|crop|Residential")
    page.evaluate(CHOOSE, "Fashion-MNIST")  # now both are there at once
    page.evaluate(CHOOSE, "EuroSAT")
    chosen(page, "EuroSAT")
    assert page.evaluate(PICTURES, "#made") == shown[0]


def test_a_damaged_model_says_so_and_leaves_the_page_as_it_was(page):
    before = page.evaluate(PICTURES, "#made")
    page.evaluate(CHOOSE, "worn")
    page.get_by_text("expected").first.wait_for(timeout=WAIT)
    chosen(page, "EuroSAT")
    assert page.evaluate(PICTURES, "#made") == before


def test_a_visitor_s_latest_choice_is_known_whatever_order_they_are_noted_in():
    turns = Turns(most=2)
    turns.note("a", 2)
    turns.note("a", 1)
    assert turns.passed("a", 1) and not turns.passed("a", 2) and not turns.passed("b", 1)
    turns.note("b", 1)
    turns.note("c", 1)
    assert not turns.passed("a", 1)


@pytest.mark.parametrize(
    "value", [None, "", "null", "[]", "{}", '{"chosen": "x", "turn": 1}', '{"chosen": "a", "turn": true}']
)
def test_a_choice_that_names_no_model_is_refused(value):
    with pytest.raises(ValueError, match="model: expected one of a, b"):
        choice(value, ["a", "b"])
    assert choice('{"chosen": "a", "turn": 3}', ["a", "b"]) == ("a", 3)
