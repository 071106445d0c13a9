"""A simulated visitor: he asks for what the page's own events do, as a browser would, over plain HTTP."""

from __future__ import annotations

import base64
import io
import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
import numpy as np
from PIL import Image

LIMIT = 120.0  # seconds to wait for an answer
BUSY = (429, 503)  # the answers of a server that is asked for too much
NOT_NOW = "Not now"  # the title of a refusal at the gate
COUNT = 4
SHEET = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")
# Mean grey values between the same pictures: beside other visitors' a machine may round sums otherwise (0.3 at most was
# seen, with AMX). One picture of somebody else's among four is farther.
SAME = 1.0


def pixels(picture: io.BytesIO | str) -> np.ndarray:
    """The grey values (H, W, 3) of a picture's file."""
    with Image.open(picture) as image:
        return np.asarray(image.convert("RGB"), np.float32)


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two are of the same pictures, but for rounding."""
    return one.shape == other.shape and float(np.abs(one - other).mean()) < SAME


@dataclass(frozen=True)
class Answer:
    """What came of one event, after how many seconds. `outputs` are by the elem_id of their components."""

    event: str
    seconds: float
    refused: bool = False
    error: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)


class Page:
    """What a browser reads once: which events there are, and what their inputs hold. Raises httpx.HTTPError."""

    def __init__(self, url: str):
        self.url = url
        config = httpx.get(f"{url}/config", timeout=LIMIT).raise_for_status().json()
        self.components = {c["id"]: c["props"] for c in config["components"]}
        self.dependencies = config["dependencies"]

    def event(self, element: str, name: str) -> dict:
        """The event of an element, by its elem_id; raises ValueError for one that the page has not."""
        for dependency in self.dependencies:
            for component, event in dependency["targets"]:
                if event == name and self.element(component) == element:
                    return dependency
        raise ValueError(f"page: expected the event {name!r} of {element!r}, got a page without")

    def after(self, dependency: dict) -> list[dict]:
        """What runs on the server when an event has succeeded, and shows pictures or edits."""
        changed = [[output, "change"] for output in dependency["outputs"]]
        following = [
            d
            for d in self.dependencies
            if d.get("trigger_after") == dependency["id"] or any(target in changed for target in d["targets"])
        ]
        return [d for d in following if d["api_name"].startswith(("on_drag", "on_preview"))]

    def element(self, component: int) -> str | None:
        return self.components.get(component, {}).get("elem_id")

    def values(self, dependency: dict, changes: Mapping[int, Any]) -> list:
        """An event's inputs as they stand on the page, but for some by position."""
        held = [self.components[i].get("value") for i in dependency["inputs"]]
        return [changes.get(i, value) for i, value in enumerate(held)]


class Guest(Protocol):
    """Who visits: enter it in the thread that it stays in. `got`: the pictures that it asked for, a sheet an answer."""

    number: int
    got: list[np.ndarray]

    def __enter__(self) -> Guest: ...

    def __exit__(self, *error) -> None: ...

    def again(self) -> Guest:
        """Another one who asks for the same pictures."""
        ...

    def generate(self) -> Iterator[Answer]: ...


class Visitor:
    """One of many, each with a session and an address of his own, where the server trusts a proxy."""

    def __init__(self, page: Page, number: int):
        self.page, self.number, self.session = page, number, uuid.uuid4().hex
        address = {"X-Forwarded-For": f"10.9.{number // 250}.{1 + number % 250}"}
        self.http = httpx.Client(base_url=page.url, headers=address, timeout=LIMIT)
        self.edited, self.picked = 0, False
        self.got: list[np.ndarray] = []

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def again(self) -> Visitor:
        return Visitor(self.page, self.number)

    def close(self) -> None:
        self.http.close()

    def ask(self, what: str, dependency: dict, changes: Mapping[int, Any] | None = None, data: object = None) -> Answer:
        """Send an event and read its answer to the end; `what` names it in the results."""
        body = {
            "data": self.page.values(dependency, changes or {}),
            "fn_index": dependency["id"],
            "session_hash": self.session,
            "event_data": data,
        }
        started = time.perf_counter()
        try:
            joined = self.http.post("/gradio_api/queue/join", json=body)
            if joined.status_code != 200:
                seconds = time.perf_counter() - started
                return Answer(what, seconds, joined.status_code in BUSY, f"{joined.status_code}: {joined.text[:200]}")
            message = self._completed(joined.json()["event_id"])
        except (httpx.HTTPError, ValueError) as error:
            return Answer(what, time.perf_counter() - started, error=f"{type(error).__name__}: {error}")
        seconds, output = time.perf_counter() - started, message.get("output", {})
        if not message.get("success"):
            refused = output.get("title") == NOT_NOW
            return Answer(what, seconds, refused, str(output.get("error") or "no answer")[:200])
        named = zip(map(self.page.element, dependency["outputs"]), output["data"], strict=True)
        return Answer(what, seconds, outputs={name: value for name, value in named if name})

    def _completed(self, event: str) -> dict:
        """The last message of an event."""
        with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            for line in stream.iter_lines():
                if '"process_completed"' in line and event in line:
                    return json.loads(line[len("data: ") :])
        raise ValueError("the stream ended before the answer came")

    def generate(self) -> Iterator[Answer]:
        """Four pictures of seeds of his own, which no other visitor has; every other one has picked a prototype."""
        if not self.picked and self.number % 2:
            yield self.ask("pick", self.page.event("prototypes", "pick"), data={"id": 20 + self.number % 16})
        self.picked = True
        changes = {5: COUNT, 9: 1000 * (1 + self.number), 10: True}
        answer = self.ask("generate", self.page.event("generate", "click"), changes)
        if "made" in answer.outputs and not self.edited:  # from then on the same seeds make others
            sheets = SHEET.findall(str(answer.outputs["made"]))
            self.got += [pixels(io.BytesIO(base64.b64decode(sheet))) for sheet in sheets]
        yield answer

    def star(self) -> Iterator[Answer]:
        yield self.ask("star", self.page.event("map", "star"), data={"id": self.number % 16})

    def edit(self) -> Iterator[Answer]:
        """Adds a prototype, or takes it back; what the page paints after that counts by itself."""
        self.edited += 1
        spot = {"x": 0.1 + 0.01 * self.number, "y": 0.01 * self.edited}
        event = self.page.event("map", "place" if self.edited % 2 else "undo")
        yield self.ask("edit", event, data=spot if self.edited % 2 else None)
        yield from self._after(event)

    def drag(self) -> Iterator[Answer]:
        """A star is dragged over three places and dropped, which is an edit."""
        self.edited += 2
        places = [{"id": self.number % 16, "x": 0.2 * k, "y": 0.1 * k} for k in range(4)]
        for place in places[:3]:
            yield self.ask("drag", self.page.event("map", "dragging"), data=place)
        drop = self.page.event("map", "drag")
        yield self.ask("drop", drop, data=places[3])
        yield from self._after(drop)

    def _after(self, dependency: dict) -> Iterator[Answer]:
        for following in self.page.after(dependency):
            yield self.ask("edit" if following["api_name"].startswith("on_drag") else "preview", following)
            yield from self._after(following)

    def compare(self) -> Iterator[Answer]:
        yield self.ask("compare", self.page.event("compare", "click"))

    def vote(self) -> Iterator[Answer]:
        yield (pair := self.ask("pair", self.page.event("blind-next", "click")))
        if not pair.error:
            yield self.ask("vote", self.page.event("vote-left", "click"))
