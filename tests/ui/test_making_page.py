"""What is made from prototypes besides batches: a walk, a link to come back by, and why a picture looks as it does."""

import io
import re

import pytest
from PIL import Image

from pdm.ui.generate.tab import ARRIVED
from tests.ui.map_page import SHEET, choose, open_map, wait_done
from tests.ui.page import PHONE, mix_two, type_number, wait_text

STARS = "document.querySelector('#map .plot').data.find(t => t.name === 'stars').x.length"


@pytest.fixture
def page(shared_page):
    """One visitor, who begins on Generate."""
    return shared_page()


@pytest.fixture
def phone(shared_page):
    """One visitor's map on a phone."""
    return shared_page(open_map, PHONE)


def pick(page, field, *names):
    """Choose from a list that takes several."""
    box = page.locator(field).locator("input").first
    for name in names:
        box.fill(name)
        page.get_by_role("option", name=name, exact=True).last.click()
    box.press("Escape")


def film(page, source=None):
    """The walk's file, once it is another one than `source`: its address and the picture."""
    page.wait_for_function(
        "s => (i => i?.src && i.src !== s)(document.querySelector('#walk-film img'))", arg=source, timeout=60_000
    )
    source = page.locator("#walk-film img").get_attribute("src")
    return source, Image.open(io.BytesIO(page.request.get(source).body()))


def click_at_once(page, grid, *indices):
    """Click several pictures of a grid before the page can answer the first click."""
    page.evaluate(
        "([s, i]) => { const c = document.querySelectorAll(s); i.forEach(k => c[k].click()); }",
        [f"{grid} button.cell", indices],
    )


def test_why_this_picture_shows_what_each_prototype_painted_at_each_step(page):
    page.get_by_text("Why this picture").click()
    page.click("#why-look")
    page.wait_for_function("document.querySelectorAll('#why-timeline .cell').length === 10", timeout=60_000)
    shares = [int(s) for s in re.findall(r"(\d+) %", page.locator("#why-maps").inner_text())]
    assert len(shares) > 1 and 90 <= sum(shares) <= 104  # maps of the small weights are left out
    page.locator("#made-of .cell").first.hover()  # the one of most weight tints what it painted
    page.wait_for_selector("#detail .tint")
    mean = page.evaluate(f"({SHEET})('why-maps')")
    step = page.locator("#why").get_by_role("spinbutton")
    step.fill("3")
    step.press("Enter")
    page.wait_for_function(f"m => ({SHEET})('why-maps') !== m", arg=mean, timeout=60_000)
    page.locator("#made button.cell").nth(3).click()  # what was said was said of another picture
    page.wait_for_function("document.querySelectorAll('#why-maps .cell, #why-timeline .cell').length === 0")


def test_of_quick_clicks_none_is_lost(page):
    chosen = "i => document.querySelectorAll('#made button.cell')[i].classList.contains('chosen')"
    click_at_once(page, "#made", 1, 2)  # a browser sends them side by side: the last one wins, whichever arrives last
    page.wait_for_function(chosen, arg=2)
    page.wait_for_timeout(300)
    assert page.evaluate(chosen, 2)
    page.locator("#made button.cell").nth(7).click()
    page.wait_for_function(chosen, arg=7)
    click_at_once(page, "#prototypes", 2, 10, 20, 30)
    page.wait_for_function("document.querySelectorAll('#mixer .row').length === 4")
    click_at_once(page, "#prototypes", 10, 30)
    page.wait_for_function("document.querySelectorAll('#mixer .row').length === 2")
    click_at_once(page, "#prototypes", 2, 20)
    page.wait_for_function("!document.querySelectorAll('#mixer .row').length")


SLOW = """() => {
  const ask = window.fetch;
  window.fetch = async (url, options) => {
    if (window.slow && String(url).includes('queue/join')) await new Promise(done => setTimeout(done, 4000));
    return ask(url, options);
  };
}"""
LET_GO = """slider => {
  slider.value = 0.5;
  window.slow = true;
  slider.dispatchEvent(new Event('change'));
  setTimeout(() => { window.slow = false; }, 50);
}"""


def test_what_was_mixed_before_generate_is_not_sketched_over_its_pictures(visit):
    page = visit()
    mix_two(page)
    wait_text(page, "#generate-status", "^Sketched")
    page.get_by_text("Settings", exact=True).first.click()
    type_number(page.get_by_role("spinbutton", name=re.compile("Pictures")).first, 5)
    page.evaluate(SLOW)
    page.locator("#mixer input").nth(1).evaluate(LET_GO)
    page.wait_for_timeout(100)
    page.click("#generate")
    wait_text(page, "#generate-status", "^5 pictures")
    page.wait_for_function("[...document.querySelectorAll('#mixer output')][1].textContent === '33 %'")
    wait_text(page, "#mixer", "67 %[\\s\\S]*33 %")
    page.wait_for_timeout(5000)  # until the answer has come, and a sketch would have
    assert page.locator("#made .cell").count() == 5
    assert page.locator("#generate-status").inner_text().startswith("5 pictures")


def test_a_link_brings_the_very_picture_with_its_picks_weights_and_seed(page, visit, app_url):
    mix_two(page)
    names = page.locator("#mixer .name").all_text_contents()
    page.get_by_text("Settings", exact=True).first.click()
    type_number(page.get_by_label("Seed", exact=True).first, 77)
    page.get_by_label("Lock seed (same pictures every time)").check()
    page.click("#generate")
    wait_text(page, "#generate-status", r"Seed 77\.")
    page.locator("#made button.cell").nth(3).click()
    page.wait_for_selector("#made button.cell:nth-child(4).chosen")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=app_url)
    page.click("#copy-link")
    wait_text(page, "#copied", "^Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert page.url == link and re.search(r"model=fashion-mnist&seed=77&prototypes=\d+,\d+&weights=0.8,0.2&", link)
    other = visit(address=link.removeprefix(f"{app_url}/"))
    wait_text(other, "#generate-status", r"Seed 77\.")
    other.wait_for_selector("#made button.cell:nth-child(4).chosen")
    assert other.evaluate(SHEET, "made") == page.evaluate(SHEET, "made")
    other.wait_for_function("location.search === ''")
    wait_text(other, "#mixer", "80 %[\\s\\S]*20 %")
    assert other.locator("#mixer .name").all_text_contents() == names
    other.get_by_text("Settings", exact=True).first.click()
    assert other.get_by_label("Seed", exact=True).first.input_value() == "77"
    assert other.get_by_label("Lock seed (same pictures every time)").is_checked()
    page.evaluate("history.replaceState(null, '', '?lang=de')")
    page.click("#copy-link")
    page.wait_for_function("location.search.includes('&picture=')")
    assert page.evaluate("navigator.clipboard.readText()") == page.url == f"{link.partition('#')[0]}&lang=de"
    page.evaluate(ARRIVED)
    assert page.url == f"{app_url}/?lang=de"


def test_a_walk_becomes_a_film_that_is_kept_as_gif_or_webp(page):
    open_map(page)
    page.locator("#walk").get_by_text("Walk").first.click()
    pick(page, "#walk-stars", "Bag 1")
    page.click("#walk-go")
    page.get_by_text("expected 2 to 8 for a walk, got 1").first.wait_for()
    pick(page, "#walk-stars", "Boot 1")
    frames = page.locator("#walk").get_by_role("spinbutton").first
    frames.fill("2")
    frames.press("Enter")
    page.click("#walk-go")
    source, picture = film(page)
    assert picture.format == "GIF" and picture.n_frames == 4 and picture.info["loop"] == 0
    page.locator("#walk").get_by_label("webp").check()
    page.click("#walk-go")
    _, picture = film(page, source)
    assert picture.format == "WEBP" and picture.n_frames == 4


def test_on_a_phone_prototypes_are_merged_split_and_moved_from_lists(phone):
    page = phone
    page.get_by_text("Merge or add").click()
    pick(page, "#group", "Bag 1", "Bag 2", "Bag 3")
    page.click("#merge")
    wait_done(page, "^merged Bag 1, Bag 2 and Bag 3")
    page.wait_for_function(f"{STARS} === 62", timeout=60_000)
    choose(page, "Coat 1")
    page.locator("#parts").get_by_role("spinbutton").fill("3")
    page.locator("#parts").get_by_role("spinbutton").press("Enter")
    page.click("#split")
    wait_done(page, "^split Coat 1 into 3")
    page.wait_for_function(f"{STARS} === 64", timeout=60_000)
    choose(page, "Boot 1")
    pick(page, "#towards", "Sandal 1")
    page.click("#move")
    wait_done(page, "^moved Boot 1")
    for sentence in ("^split", "^merged", "^Original"):
        page.click("#undo")
        wait_done(page, sentence)
    page.wait_for_function(f"{STARS} === 64", timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_on_a_phone_lists_do_what_a_lasso_does(phone):
    page = phone
    page.locator("#area input").fill("All of Bag")
    page.get_by_role("option", name="All of Bag", exact=True).click()
    wait_text(page, "#star-title", "All of Bag[\\s\\S]*images and [0-9]+ prototypes")
    page.click("#add-mean")
    wait_done(page, "^added ")
