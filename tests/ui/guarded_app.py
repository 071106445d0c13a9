"""A tiny page behind the guard, with handlers of every kind, served as the real one is."""

import gc
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr
from PIL import Image

from pdm.app.gate import Gate
from pdm.ui.guard.blocks import GuardedBlocks
from pdm.ui.guard.settings import BLOCKS, QUEUE, launch_options
from pdm.ui.guard.turns import gated, queued, wanted
from pdm.ui.shared.events import StopSwitch
from tests.ui.app_server import free_port

STEP = 0.05


def counted(before: int | str) -> str:
    """What is said of one who waits, without the seconds, which no test can foresee."""
    return queued(int(before) if isinstance(before, int) else before)


class Painter:
    """Counts what it does, so that a test sees when it stops."""

    def __init__(self):
        self.steps, self.closed, self.most, self._now, self._lock = 0, 0, 0, 0, threading.Lock()
        self.threads = set()

    def stream(self, count):
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            for i in range(count):
                time.sleep(STEP)
                self.steps += 1
                self.threads.add(threading.current_thread().name)
                yield i
        finally:
            self.closed += 1
            self._now -= 1


def build(painter, gate=None):
    def paint(count: float, asker: gr.Request, progress=gr.Progress()) -> Iterator[str]:  # noqa: B008
        progress(0.5)
        for i in painter.stream(int(count)):
            yield f"{i} of {asker.session_hash}"

    def clicked(event: gr.EventData) -> str:
        *_, last = painter.stream(2)
        return f"{last} {isinstance(event, gr.EventData)}"

    def make(count: int = 3, asker: gr.Request = None) -> str:
        *_, last = wanted(painter.stream(count))
        return f"made {last} {asker.session_hash is not None}"

    def fails(text: str) -> str:
        raise gr.Error(f"text: expected none, got {text}", title=text)

    def breaks(text: str) -> str:
        return {}[text]

    def long(pressed: float, asker: gr.Request) -> Iterator[str]:
        for i in painter.stream(1000):
            if switch.asked(asker, pressed):
                yield f"stopped at step {i}"
                return
            yield str(i)

    def slow(text: str) -> str:
        *_, last = painter.stream(1)
        return text + str(last)

    def opened(kept: dict) -> str:
        return f"opened with {kept}"

    def look(image: Image.Image | None) -> str:
        return str(image and image.size)

    with GuardedBlocks(gate=gate, **BLOCKS) as page:
        count, out, text = gr.Number(5), gr.Textbox(elem_id="out"), gr.Textbox("t")
        gr.Button("go", elem_id="go").click(
            gated(paint, lambda count, asker, progress=None: 20 * count, waiting=counted),
            count,
            out,
            api_name="paint",
            concurrency_limit=None,
        )
        gr.Button("kind", elem_id="kind").click(
            gated(clicked, lambda event: 1), None, out, api_name="clicked", concurrency_limit=None
        )
        gr.api(gated(make, lambda count=3, asker=None: count, newer="refused"), api_name="make", concurrency_limit=None)
        gr.Button("fails", elem_id="fails").click(fails, text, out, api_visibility="private")
        text.submit(breaks, text, out, api_visibility="private")
        switch = StopSwitch(gr.Button("stop", elem_id="stop"))
        gr.Button("long", elem_id="long").click(
            gated(long, lambda pressed, asker: 1, waiting=counted, stopped=switch.asked_of(long)),
            switch.pressed,
            out,
            api_name="long",
            concurrency_limit=None,
        )
        gr.api(slow, api_name="slow", queue=False, concurrency_limit=None)
        page.load(opened, gr.BrowserState({"nothing": 0}, storage_key="kept", secret="kept"), out)
        picture, file = gr.Image(type="pil"), gr.UploadButton(file_types=[".safetensors"])
        picture.change(look, picture, out, api_name="look")
        file.upload(lambda path: "opened", file, out, api_name="load")
        gr.State([])
    page.queue(**QUEUE)
    return page


@contextmanager
def served(page, auth=None, **options):
    port = free_port()
    page.launch(
        server_name="127.0.0.1",
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        show_error=True,
        ssr_mode=False,
        auth=auth,
        **launch_options(page, "127.0.0.1", **options),
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        page.close()
        with warnings.catch_warnings():  # here, or the test that comes next would be blamed for what was left open
            warnings.simplefilter("ignore")
            gc.collect()


def new_gate():
    return Gate(a_minute=1e9)
