"""The Judge tab, a blind test: two hidden methods, the same seeds and hints; a visitor says which is better.

A read-only app takes no votes: there the visitor looks, and asks who painted what.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import gradio as gr

from pdm.app.gate import price
from pdm.app.library import Library
from pdm.app.painting import run
from pdm.app.requests import MAX_SEED, Request, resolved
from pdm.app.studio import Studio
from pdm.app.votes import Tally, Vote, Votes
from pdm.config import DEFAULT_STEPS
from pdm.ui.components.picture_grid import Item, PictureGrid, pictures
from pdm.ui.components.vote_keys import VoteKeys
from pdm.ui.guard.turns import gated, queued
from pdm.ui.guard.visitors import voter
from pdm.ui.judge.own_votes import OwnVotes
from pdm.ui.shared.events import PRIVATE, QUICK, SESSION_SECONDS, if_open
from pdm.ui.shared.evidence import evidence_views
from pdm.ui.shared.kept_visit import KeptStates
from pdm.ui.shared.session import Batch, finished
from pdm.ui.shared.wording import METHOD_NAMES, SHORT_NAMES, heading, intervals, status

ABOUT = (
    "Two methods, which you are not told, paint from the same seeds and the same training images as a hint. PDM sees "
    "the hint as prototypes, RDM as neighbours in its memory, and the unconditional network not at all. "
)
SAY = "Say which side is better, and see who painted it."
READ_ONLY = "This app is read-only and takes no votes: look, then ask which is which."
EMPTY = "Ask for a pair."
PAUSE = "() => new Promise(resolve => setTimeout(resolve, 1800))"  # to see who painted, before the next pair
METHODS = ("pdm", "rdm", "unconditional")  # they can start from a training image, and paint well in ten steps
SIZES = {"One picture": 1, "Nine pictures": 9}
WORDS = {"left": "Left is better", "tie": "A tie", "both bad": "Both are bad", "right": "Right is better"}
ORDER = ("left", "tie", "both bad", "right")


@dataclass(frozen=True)
class Pair:
    """What a visitor looks at. The methods stay on the server until he is `told`, after his vote."""

    key: str
    left: Batch
    right: Batch
    told: bool = False


class BlindTab:
    def __init__(
        self,
        library: Library,
        votes: Votes,
        model: gr.Dropdown,
        kept: KeptStates | None = None,
        *,
        read_only: bool = False,
    ):
        """`kept` is what the browser keeps, the visitor's own votes among it."""
        self.kept = (kept or KeptStates.laid_out()).votes
        self.library, self.votes, self.read_only = library, votes, read_only
        gr.Markdown(ABOUT + (READ_ONLY if read_only else SAY), elem_classes="about")
        with gr.Row(elem_classes="actions"):
            self.next = gr.Button("Next pair", variant="primary", scale=3, elem_id="blind-next")
            self.size = gr.Radio(list(SIZES), value="One picture", show_label=False, container=False, scale=1)
        self.line = gr.HTML(status(EMPTY), elem_id="blind-status")
        self.grids, self.names, self.evidence = [], [], []
        with gr.Row(elem_classes="columns"):
            for side in ("left", "right"):
                with gr.Column(min_width=110):
                    self.names.append(gr.HTML(heading(side.capitalize()), elem_id=f"blind-name-{side}"))
                    self.grids.append(PictureGrid(elem_id=f"blind-{side}"))
        with gr.Row(elem_classes="actions"):
            answers = self._answers()
            self.buttons = [gr.Button(text, interactive=False, elem_id=name) for name, text, _ in answers]
        self.before = gr.HTML("", elem_id="blind-before")
        self.own = gr.HTML("", elem_id="blind-own")
        if not read_only:
            VoteKeys()
        with gr.Row(elem_classes="columns"):
            for side in ("left", "right"):
                with gr.Column(min_width=110):
                    self.evidence += [gr.HTML("", elem_id=f"blind-because-{side}"), PictureGrid()]
        self.results = gr.HTML(self.counted(library.get()), elem_id="blind-results")
        self.pair = gr.State(None, time_to_live=SESSION_SECONDS)
        self.votes_of_own = gr.State(OwnVotes(), time_to_live=SESSION_SECONDS)
        self.model, self.open = model, gr.Checkbox(False, visible=False)
        waiting = lambda before: {self.line: status(queued(before))}  # noqa: E731
        pair = gated(self.on_next, _price_next, waiting=waiting)
        self.run = self.next.click(pair, [model, self.size], [self.pair, *self._views()], **QUICK)
        answered = [self.pair, self.votes_of_own, *self._views(), self.own, self.kept, self.results]
        clicks = [
            button.click(answer, [self.pair, self.votes_of_own], answered, **QUICK)
            for button, (_, _, answer) in zip(self.buttons, answers, strict=True)
        ]
        self.of_model = [self.pair, *self._views(), self.results]
        self._following = [] if read_only else [click.success(None, None, None, js=PAUSE).success for click in clicks]

    def open_on(self, *events: Callable) -> None:
        """A pair comes without being asked for: when one of these happens while the tab is open, and after a vote."""
        asked, outputs = [self.model, self.size, self.pair, self.open], [self.pair, *self._views()]
        waiting = lambda before: {self.line: status(queued(before))}  # noqa: E731
        follow, script = gated(self.on_follow, _price_follow, waiting=waiting), if_open("#blind-next")
        found = [event(follow, asked, outputs, js=script, **QUICK) for event in (*events, *self._following)]
        size = self.size.input(
            gated(self.on_next, _price_next, waiting=waiting), [self.model, self.size], outputs, **QUICK
        )
        self.next.click(None, None, None, cancels=[*found, size], queue=False, **PRIVATE)

    def _answers(self) -> list[tuple[str, str, Callable]]:
        """What a visitor can say of a pair: element id, words, and handler."""
        if self.read_only:
            return [("which-is-which", "Which is which?", self.on_ask)]
        return [(f"vote-{choice.replace(' ', '-')}", WORDS[choice], self._voter(choice)) for choice in ORDER]

    def _views(self) -> list:
        return [self.line, self.before, *self.names, *self.grids, *self.buttons, *self.evidence]

    def on_model(self, model: str) -> dict:
        return {
            self.pair: None,
            **self.blank(EMPTY),
            self.before: "",
            self.results: self.counted(self.library.get(model)),
        }

    def on_follow(self, model: str, size: str, pair: Pair | None, opened: bool) -> Iterator[dict]:
        """A pair where there is none, or none but one that was told: that one stays until the next is there."""
        if not opened or (pair is not None and not pair.told):
            yield {self.line: gr.skip()}
        else:
            yield from self._painted(model, size, quiet=pair is not None)

    def on_next(self, model: str, size: str) -> Iterator[dict]:
        yield from self._painted(model, size)

    def _painted(self, model: str, size: str, *, quiet: bool = False) -> Iterator[dict]:
        """quiet: nothing changes until both sides are there."""
        studio, count = self.library.get(model), SIZES.get(size, 1)
        left, right = random.sample([m for m in METHODS if m in studio.methods], 2)
        hints = tuple(random.randrange(len(studio.map)) for _ in range(count))
        request = Request("pdm", count=count, seed=random.randrange(MAX_SEED - count), hints=hints)
        yield {self.line: gr.skip()} if quiet else {self.pair: None, **self.blank("starting", 0.0)}
        done = []
        for i, method in enumerate((left, right)):
            asked = resolved(studio, replace(request, method=method))
            frame = None
            for frame in run(studio, asked):
                if quiet:
                    continue
                part = (i + frame.step / frame.total) / 2
                yield {
                    self.line: status(f"{('left', 'right')[i]}: step {frame.step} of {frame.total}", part),
                    self.grids[i]: _shown(frame.images),
                }
            assert frame is not None  # there is at least one step
            done.append(finished(studio, asked, frame))
        yield {
            **self.blank("Which side is better?"),
            self.pair: Pair(secrets.token_hex(8), *done),
            **{grid: _shown(batch.tensor()) for grid, batch in zip(self.grids, done, strict=True)},
            **{button: gr.update(interactive=True) for button in self.buttons},
        }

    def _voter(self, choice: str):
        def vote(pair: Pair | None, own: OwnVotes, asker: gr.Request) -> dict:
            return self.on_vote(choice, pair, own, voter(asker))

        return vote

    def on_vote(self, choice: str, pair: Pair | None, own: OwnVotes, visitor: str) -> dict:
        if pair is None or pair.told:
            raise gr.Error("There is no pair to vote on. Ask for the next one.", print_exception=False)
        methods = pair.left.request.method, pair.right.request.method
        try:
            self.votes.add(Vote(pair.key, pair.left.model, *methods, choice, visitor))
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from error
        own = own.with_vote(choice, *methods)
        mine = self.own_views(own) | {self.kept: own.to_keep()}
        return self._told(pair, f"You said: {WORDS[choice].lower()}.") | mine

    def own_views(self, own: OwnVotes) -> dict:
        """The visitor's own tally."""
        return {self.votes_of_own: own, self.own: own.said()}

    def on_ask(self, pair: Pair | None, own: OwnVotes | None = None) -> dict:
        """In a read-only app: who painted, without a vote."""
        if pair is None or pair.told:
            raise gr.Error("pair: expected one to ask about, got none; ask for the next one", print_exception=False)
        return self._told(pair, "These painted them.")

    def _told(self, pair: Pair, line: str) -> dict:
        """The page once the visitor is told who painted what, and from what."""
        studio, methods = self.library.get(pair.left.model), (pair.left.request.method, pair.right.request.method)
        return {
            self.pair: replace(pair, told=True),
            self.line: status(line),
            self.before: before(*methods),
            **{n: heading(METHOD_NAMES[m]) for n, m in zip(self.names, methods, strict=True)},
            **{button: gr.update(interactive=False) for button in self.buttons},
            **dict(zip(self.evidence, _because(studio, pair), strict=True)),
            self.results: self.counted(studio),
        }

    def blank(self, text: str, part: float | None = None) -> dict:
        """The page with nothing to vote on."""
        none = pictures(None, [])
        return {
            self.line: status(text, part),
            **{n: heading(side) for n, side in zip(self.names, ("Left", "Right"), strict=True)},
            **dict.fromkeys(self.grids, none),
            **{button: gr.update(interactive=False) for button in self.buttons},
            **dict(zip(self.evidence, ("", none) * 2, strict=True)),
        }

    def counted(self, studio: Studio) -> str:
        """Win rates with their 95 % intervals."""
        try:
            tallies = self.votes.tallies(studio.name)
        except ValueError as error:  # the page is good for much else
            return heading("Votes so far", str(error))
        if not tallies:
            none = "None for this model." if self.read_only else "None yet for this model. Yours is the first."
            return heading("Votes so far", none)
        total = sum(t.decided + t.ties + t.both_bad for t in tallies)
        return heading(
            "Votes so far", f"{total} by all visitors. Share of the decided votes, with its 95 % interval (Wilson)."
        ) + intervals([_row(tally) for tally in tallies])


def before(left: str, right: str) -> str:
    """What the pair was that has just been voted on; it stands there when the next one has come."""
    return heading("", f"The pair before: left was {METHOD_NAMES[left]}; right was {METHOD_NAMES[right]}.")


def _price_next(model: str, size: str) -> float:
    return price(2 * SIZES.get(size, 1), DEFAULT_STEPS)


def _price_follow(model: str, size: str, pair: Pair | None, opened: bool) -> float:
    return _price_next(model, size) if opened and (pair is None or pair.told) else 1


def _row(t: Tally) -> tuple[str, tuple[float, float, float], str]:
    share, low, high = t.rate
    label = f"{SHORT_NAMES[t.first]} over {SHORT_NAMES[t.second]}"
    said = f"{100 * share:.0f} % ({100 * low:.0f} to {100 * high:.0f}), {t.first_wins} : {t.second_wins}"
    if not t.decided:
        said = "no vote decided yet"
    return label, (share, low, high), f"{said}, {t.ties} ties, {t.both_bad} both bad"


def _shown(images) -> dict:
    return pictures(images, [Item(i) for i in range(len(images))], across=1 if len(images) == 1 else 3, still=True)


def _because(studio: Studio, pair: Pair) -> list:
    """What conditioned the first picture of each side."""
    return [*evidence_views(studio, pair.left, 0), *evidence_views(studio, pair.right, 0)]
