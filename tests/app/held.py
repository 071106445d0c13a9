"""Requests whose shared calls a test makes one by one, and waits for."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from pdm.app.painting import run
from pdm.app.requests import Request, resolved
from pdm.app.together import Together
from pdm.app.together import _call as call
from pdm.pipelines.pdm import PDMPipeline
from pdm.sampling.solvers import make_scheduler
from tests.tiny import tiny_denoiser


class Held:
    """A thread for the nets that makes no call before `go`; notes of how many pictures each call is, by request."""

    def __init__(self, together, patch):
        self.together, self.thread, self.held, self.batches = together, ThreadPoolExecutor(1), [], []
        self.holds, together._threads = True, self

        def noted(asked):
            if asked and asked[0] in together._asked:  # others paint as well
                self.batches.append([a.rows for a in asked])
            return call(asked)

        patch.setattr("pdm.app.together._call", noted)

    def submit(self, work):
        if self.holds and work == self.together._work:
            self.held.append(work)
            return None
        return self.thread.submit(work)

    def step(self):
        """One call of what is due first, here and now."""
        self.together._work()

    def go(self):
        self.holds = False
        for work in self.held:
            self.thread.submit(work)


def with_paper(studio):
    denoiser = tiny_denoiser(preconditioning="vp", time_in_token=True)
    pipeline = PDMPipeline(denoiser, studio.pdm.bank, make_scheduler("ddpm", "vp"))
    return replace(studio, together=Together(), others={"paper": pipeline})


def frames(studio, **values):
    return run(studio, resolved(studio, Request(**{"count": 2, "steps": 3, **values})))


def until(true):
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def at_once(own, *requests):
    """Every request's frames, or its error, where all of them wait before the first is taken up, in this order."""
    (studio, held), got = own, {}

    def ask(k, values):
        try:
            got[k] = list(values() if callable(values) else frames(studio, **values))
        except Exception as error:
            got[k] = error

    threads = [threading.Thread(target=ask, args=item) for item in enumerate(requests)]
    for k, thread in enumerate(threads):
        thread.start()
        until(lambda k=k: len(studio.together._asked) == k + 1)
    held.go()
    for thread in threads:
        thread.join(30)
    return [got[k] for k in range(len(requests))]


def one_after_the_other(own, *requests):
    """All frames of requests (values, calls), each asked for when the one before has seen so many calls."""
    studio, held = own
    with ThreadPoolExecutor(len(requests)) as pool:
        asked = []
        for values, calls in requests:
            asked.append(pool.submit(lambda values=values: list(frames(studio, **values))))
            until(lambda: any(a.started is None for a in studio.together._asked))
            for _ in range(calls):
                held.step()
        held.go()
        return [future.result(30) for future in asked]
