"""The public endpoints as tools, by a real client of MCP; and what that door leaves shut."""

import base64
import contextlib
import io
import time

import anyio
import httpx
import pytest
from PIL import Image

from pdm.ui.api import pictures
from pdm.ui.guard.blocks import GuardedBlocks
from pdm.ui.guard.doors import MCP_CALLS, Doors
from pdm.ui.guard.settings import BLOCKS, QUEUE
from tests import asynchronous
from tests.one_model import OneModel
from tests.ui.guarded_app import Painter, new_gate, served

pytest.importorskip("mcp")
# Gradio, served in this process, leaves loops and sockets open, and pandas finds its options old.
pytestmark = pytest.mark.filterwarnings("ignore")
buffer = io.BytesIO()
Image.new("P", (64, 64)).save(buffer, "PNG")
MASK = base64.b64encode(buffer.getvalue()).decode()
CALLS = {
    "models": {},
    "prototypes": {"model": "tiny"},
    "generate": {"model": "tiny", "count": 2, "steps": 2, "seed": 3},
    "compare": {"model": "tiny", "count": 1, "steps": 1},
    "paint": {"model": "tiny", "mask": MASK, "prototypes": [3], "steps": 1},
}


@pytest.fixture(scope="module")
def app(studio):
    with GuardedBlocks(gate=new_gate(), **BLOCKS) as page:
        pictures.build(OneModel(studio))
    page.queue(**QUEUE)
    with served(page, mcp=True) as url:
        yield url, page


@contextlib.asynccontextmanager
async def session(url):
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async with (
        streamablehttp_client(f"{url}/gradio_api/mcp/") as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        yield session


def asked(url, *calls):
    """The tools, and what each of the calls (name, arguments) answers."""

    async def ask():
        async with session(url) as one:
            return (await one.list_tools()).tools, [await one.call_tool(*call) for call in calls]

    return asynchronous.run(ask())


def test_a_client_lists_the_tools_with_descriptions_and_types_and_calls_each(app):
    tools, answers = asked(app[0], *CALLS.items())
    assert {tool.name for tool in tools} == set(CALLS)
    assert all(tool.description for tool in tools)
    generate = next(tool for tool in tools if tool.name == "generate").inputSchema["properties"]
    assert generate["count"]["type"] == "integer" and "pdm" in generate["method"]["enum"]
    for name, answer in zip(CALLS, answers, strict=True):
        assert not answer.isError, (name, answer.content)
    models, prototypes, made, _, painted = ("".join(part.text for part in answer.content) for answer in answers)
    assert "'name': 'tiny'" in models and prototypes.count("'share'") == 8
    assert painted.count(".png") >= 1 and "'legend': [[1, [3], []]]" in painted
    assert made.count(".png") >= 2 and "'seed': 3" in made


def test_wrong_values_get_the_line_that_names_the_field(app):
    _, (answer,) = asked(app[0], ("generate", {"model": "tiny", "count": 65}))
    assert answer.isError and "count: expected a whole number from 1 to 64, got 65" in answer.content[0].text


@pytest.mark.parametrize("name", ["edit", "undo", "load_set", "save_set"])
def test_what_needs_a_session_or_takes_files_is_not_to_be_called(app, name):
    before = {*app[1].fns}
    file = "data:application/octet-stream;base64,AAAA"
    _, (answer,) = asked(app[0], (name, {"file": file, "model": "tiny"}))
    assert answer.isError and "Traceback" not in answer.content[0].text and {*app[1].fns} == before


@pytest.mark.parametrize("path", ["sse", "messages/", "messages/?session_id=1", "http/x"])
def test_the_other_transport_is_shut(app, path):
    assert httpx.get(f"{app[0]}/gradio_api/mcp/{path}").status_code == 404


def test_other_hosts_get_nothing_by_this_door(app):
    answer = httpx.post(f"{app[0]}/gradio_api/mcp/", json={}, headers={"Host": "evil.com"})
    assert answer.status_code == 421


def test_calls_that_wait_are_few_so_that_they_leave_threads_to_others(app):
    doors = Doors(None, app[1])
    doors.calls = MCP_CALLS

    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(doors), base_url="http://localhost") as client:
            return await client.post("/gradio_api/mcp/", json={})

    assert asynchronous.run(ask()).status_code == 429 and doors.calls == MCP_CALLS


@pytest.mark.parametrize("told", [False, True])
def test_what_a_client_that_left_asked_for_ends_within_a_step(app, monkeypatch, told):
    painter = Painter()
    monkeypatch.setattr(pictures, "run", lambda studio, request: painter.stream(1000))

    async def progress(*_):
        pass

    async def leave():
        async with session(app[0]) as one, anyio.create_task_group() as tasks:
            arguments = {"model": "tiny"}, None, progress if told else None
            tasks.start_soon(one.call_tool, "generate", *arguments)
            while not painter.steps:
                await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()

    asynchronous.run(leave())
    latest, left = time.monotonic() + 10, painter.steps
    while (not painter.closed or len(app[1].gate)) and time.monotonic() < latest:
        time.sleep(0.01)
    assert painter.closed == 1 and painter.steps - left < 40 and not len(app[1].gate)
