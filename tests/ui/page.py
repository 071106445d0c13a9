"""What the browser tests do on a page: choose a tab, type, wait for what the page shows."""

import re

WIDE, PHONE = {"width": 1360, "height": 950}, {"width": 390, "height": 844}
WAIT = 60_000  # milliseconds; a machine that paints for several tests at once is slow


def tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()


def wait_text(page, selector, pattern):
    page.wait_for_function(
        "([s, p]) => new RegExp(p).test(document.querySelector(s)?.innerText || '')",
        arg=[selector, pattern],
        timeout=WAIT,
    )


def at_rest(page):
    """Wait until the page shows what it will show: two frames are drawn and nothing fades or moves to an end."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    moving = "a => a.playState === 'running' && a.effect.getComputedTiming().endTime < Infinity"
    page.wait_for_function(f"!document.getAnimations().some({moving})", timeout=WAIT)


def type_number(field, number):
    """Type into a field of the settings; typed again should the freshly opened panel reset it."""
    for _ in range(20):
        field.fill(str(number))
        field.press("Enter")
        field.page.wait_for_timeout(300)
        if field.input_value() == str(number):
            return
    raise AssertionError("the field does not keep what is typed")


def set_steps(page, steps):
    type_number(page.get_by_role("spinbutton", name=re.compile("Steps")).first, steps)


def mix_two(page):
    """Pick two prototypes, and give the second a quarter of the first's weight."""
    for i in (2, 40):
        page.locator("#prototypes button.cell").nth(i).click()
    page.wait_for_function("document.querySelectorAll('#mixer .row').length === 2", timeout=WAIT)
    page.locator("#mixer input").nth(1).fill("0.25")
    page.locator("#mixer input").nth(1).dispatch_event("change")
    wait_text(page, "#mixer", "80 %[\\s\\S]*20 %")
