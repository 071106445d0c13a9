"""A figure in a real browser: drawn in the colours of the page, in light and in dark, as wide as it may be."""

import gradio as gr
import pytest

from pdm.ui.components.figure import Figure, figure
from pdm.ui.components.plotly_js import PLOTLY_JS
from pdm.ui.page import css
from pdm.ui.results.figures import ablation_figure
from tests.made_up_results import ABLATION
from tests.ui.app_server import free_port


@pytest.fixture(scope="module")
def url():
    gr.set_static_paths([PLOTLY_JS])
    with gr.Blocks(analytics_enabled=False) as page:
        Figure(figure(ablation_figure(ABLATION)), elem_id="drawn")
        Figure(elem_id="none")
    _, url, _ = page.launch(server_port=free_port(), prevent_thread_lock=True, quiet=True, css=css(), ssr_mode=False)
    yield url
    page.close()


@pytest.mark.parametrize("scheme, accent", [("light", "rgb(15, 118, 110)"), ("dark", "rgb(45, 212, 191)")])
def test_it_is_drawn_in_the_colours_of_the_page_and_fits_a_phone(browser, url, scheme, accent):
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(f"{url}?__theme={scheme}")
    page.wait_for_selector("#drawn .main-svg", timeout=60_000)
    fills = (
        page.locator("#drawn .scatterlayer .trace")
        .first.locator(".point")
        .evaluate_all("points => points.map(p => getComputedStyle(p).fill)")
    )
    assert len(fills) == 3 and fills[2] == accent and fills[0] != accent  # the first is no different from the default
    assert page.locator("#drawn .shapelayer path").count() == 1 and page.locator("#drawn .modebar-btn").count() == 0
    assert "Measured by python -m pdm ablate --out x" in page.locator("#drawn figcaption").inner_text()
    assert not page.locator("#none figure").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 800, "height": 800})
    page.wait_for_function("document.querySelector('#drawn .main-svg').clientWidth > 500")
    context.close()
