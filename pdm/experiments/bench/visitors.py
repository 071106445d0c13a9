"""The benchmark's section on load: many visitors of one app at once, with time to think between what they do.

A leak is a picture that somebody gets who did not ask for it: each visitor has seeds of his own, and what he gets for
them must be what he gets alone.
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from pdm.experiments.bench.app import app_model
from pdm.experiments.bench.app_probe import started_app
from pdm.experiments.bench.bench import Bench, Numbers
from pdm.experiments.bench.browser import browser_path
from pdm.experiments.bench.guests import BrowserGuest, ClientGuest
from pdm.experiments.bench.visitor import Answer, Guest, Page, Visitor, same

VISITORS, TOGETHER = 50, 16
BROWSERS, SCRIPTS = 3, 2
GIVEN_BACK = 40.0  # seconds after the last visit: twice a minute a server gives back what was freed
THINK = 10.0  # seconds, at the median
ACTIONS = {"generate": 6, "star": 6, "edit": 3, "drag": 2, "compare": 1, "vote": 2}  # how often each, in twenty
NEVER_REFUSED = ("star", "edit")
SHOWN = ("generate", "star", "edit", "drag", "preview", "compare", "pair", "vote")  # whose times are kept
V = TypeVar("V")


@dataclass
class Visits:
    """What came of many visits: answers in the order in which they came, and whether pictures went astray."""

    answers: list[Answer] = field(default_factory=list)
    leaks: int = 0

    def numbers(self, name: str) -> Numbers:
        """Seconds at the 50th and 95th percentile of each action, and how many failed, as "visitors.<name>.<key>"."""
        wrong = [a for a in self.answers if a.error]
        refused = [a for a in wrong if a.refused]
        numbers: Numbers = {
            "answers": len(self.answers),
            "errors": len(wrong) - len(refused),
            "leaks": self.leaks,
            "refused": len(refused),
            "refused_clicks": sum(a.event in NEVER_REFUSED for a in refused),
        }
        for event in SHOWN:
            seconds = sorted(a.seconds for a in self.answers if a.event == event and not a.error)
            if seconds:
                numbers[f"{event}_p50_s"] = statistics.median(seconds)
                numbers[f"{event}_p95_s"] = seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))]
        return {f"visitors.{name}.{key}": value for key, value in numbers.items()}


def visit(
    url: str, *, visitors: int, seconds: float, think: float, guests: Sequence[Guest] = (), seed: int = 0
) -> Visits:
    """Let so many visitors do mixed things for so long, each after a time to think; they stop between two things.

    `guests` do what they can of it beside them.
    """
    page, visits, lock = Page(url), Visits(), threading.Lock()
    everybody: list[Guest] = [*(Visitor(page, n) for n in range(visitors)), *guests]
    ends = time.monotonic() + seconds

    def stay(visitor: Guest) -> None:
        chance = random.Random(1000 * seed + visitor.number)
        pause = chance.uniform(0, think)  # they don't come all at once
        chances = {action: often for action, often in ACTIONS.items() if hasattr(visitor, action)}
        with visitor:
            while time.monotonic() + pause < ends:
                time.sleep(pause)
                (action,) = chance.choices(list(chances), list(chances.values()))
                for answer in getattr(visitor, action)():
                    with lock:
                        visits.answers.append(answer)
                pause = think * chance.uniform(0.5, 1.5)

    each(everybody, stay)
    for visitor in everybody:
        if visitor.got:
            with visitor.again() as again:  # with nobody else there
                list(again.generate())
            visits.leaks += sum(not any(same(sheet, alone) for alone in again.got) for sheet in visitor.got)
    return visits


def batching(url: str, visitors: int = TOGETHER) -> tuple[float, float]:
    """Seconds that visitors take who ask for four pictures each, one after the other and all at once.

    Raises ValueError when one of them gets none.
    """
    page, took = Page(url), []
    everybody = [Visitor(page, n) for n in range(visitors)]

    def ask(visitor: Visitor) -> None:
        *_, answer = visitor.generate()
        if answer.error:
            raise ValueError(f"visitors: expected four pictures, got {answer.error}")

    ask(everybody[0])  # the first one finds a cold page
    for workers in (1, visitors):
        started = time.perf_counter()
        each(everybody, ask, workers)
        took.append(time.perf_counter() - started)
    for visitor in everybody:
        visitor.close()
    return took[0], took[1]


def each(visitors: Sequence[V], work: Callable[[V], None], workers: int | None = None) -> None:
    """The work of every visitor, in so many threads, by default one for each. Raises what one of them raises."""
    with ThreadPoolExecutor(workers or len(visitors)) as pool:
        list(pool.map(work, visitors))


@dataclass(frozen=True)
class Held:
    """What a server holds: bytes in memory, threads, open files."""

    rss: int
    threads: int
    files: int


def held(pid: int) -> Held:
    """What a process and its children hold now."""
    import psutil

    root = psutil.Process(pid)
    tree = [root, *root.children(recursive=True)]
    return Held(
        sum(p.memory_info().rss for p in tree),
        sum(p.num_threads() for p in tree),
        sum(p.num_fds() if hasattr(p, "num_fds") else 0 for p in tree),
    )


def real_clients(url: str) -> list[Guest]:
    """Three browsers and two scripts; without a browser the scripts alone, and one line says so."""
    browsers = [BrowserGuest(url, 1000 + n) for n in range(BROWSERS)] if browser_path("visitors") else []
    return [*browsers, *(ClientGuest(url, 2000 + n) for n in range(SCRIPTS))]


def visitors(bench: Bench) -> tuple[Numbers, dict]:
    """Fifty visitors with time to think, beside real clients, and without any time; what batching gains for sixteen.

    A browser takes as much of a machine as the app does, so the times that have bars are those without browsers.
    """
    count, minutes = bench.pick(VISITORS, 4), 0.05 if bench.quick else bench.minutes
    with started_app(app_model(bench), {"PDM_PROXIES": "1"}) as server:
        alone, together = batching(server.url, bench.pick(TOGETHER, 2))
        numbers: Numbers = {"visitors.batching": alone / together, "visitors.together_s": together}
        with Visitor(Page(server.url), count) as first:  # what is loaded once is there before anything is counted
            for action in ACTIONS:
                list(getattr(first, action)())
        before = held(server.pid)
        for name, think, share in (("thinking", THINK, 1.0), ("real", THINK, 0.2), ("hurried", 0.0, 0.2)):
            seconds, pause = 60 * minutes * share, 0.1 if bench.quick else think
            guests = real_clients(server.url) if name == "real" else []
            visits = visit(server.url, visitors=count, seconds=seconds, think=pause, guests=guests)
            numbers |= visits.numbers(name)
        time.sleep(0 if bench.quick else GIVEN_BACK)
        after = held(server.pid)
    numbers |= {
        "visitors.rss_gb": after.rss / 1e9,
        "visitors.rss_growth": after.rss / before.rss - 1,
        "visitors.threads": after.threads,
        "visitors.files": after.files,
    }
    settings = {
        "visitors": count,
        "minutes": minutes,
        "minutes_real": 0.2 * minutes,
        "minutes_hurried": 0.2 * minutes,
        "think_s": THINK,
    }
    return numbers, settings | {"actions": ACTIONS, "together": TOGETHER}
