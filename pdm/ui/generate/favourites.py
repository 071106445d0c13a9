"""Favourites: single pictures that a visitor keeps in the browser, each with its recipe, until they are removed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import gradio as gr
from gradio.events import Dependency

from pdm.app.library import Library
from pdm.app.requests import resolved
from pdm.app.studio import Studio
from pdm.support.checks import is_whole
from pdm.ui.components.picture_grid import PictureGrid, pictures
from pdm.ui.generate.asked import shown_batch
from pdm.ui.generate.batches import item_of, stacked
from pdm.ui.generate.detail import Detail
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import EVERY, QUICK, SESSION_SECONDS
from pdm.ui.shared.kept_batches import from_kept, read_of, to_keep
from pdm.ui.shared.session import MAX_BATCHES, Batch, BatchHistory
from pdm.ui.shared.wording import heading

ABOUT = f"The latest {MAX_BATCHES}, kept in this browser."
EMPTY = "♡ under a picture, or the key F, keeps it here."
KEPT = "Kept under Favourites."
ROOM = 100_000  # characters of JSON that all of them take in the browser, edited prototypes included
NONE = -1  # no favourite is opened


class Favourites:
    """Laid out in the current column. `made` is a state with a batch of one picture for each, newest first.

    Its `shown` is the one that was kept or opened last, which can be removed.
    """

    def __init__(self, library: Library, kept: gr.BrowserState):
        self.library, self.kept = library, kept
        self.made = gr.State(BatchHistory(shown=NONE), time_to_live=SESSION_SECONDS)
        with gr.Row(elem_classes="earlier"):
            gr.HTML(heading("Favourites", ABOUT))
            self.remove = gr.Button(
                "Remove", size="sm", scale=0, min_width=90, interactive=False, elem_id="remove-favourite"
            )
        self.grid = PictureGrid(pictures(None, [], empty=EMPTY), elem_id="favourites")
        self.outputs = [self.made, self.grid, self.remove]

    def connect(self, made: gr.State, detail: Detail, views: Callable[[BatchHistory], dict], batch: list) -> Dependency:
        """The event that opens a favourite. `views` are those of a visit's batches, all of `batch`."""

        def on_open(favourites: BatchHistory, made: BatchHistory, event: gr.EventData) -> dict:
            found = or_gr_error(self.found, favourites, event.id)
            opened = self.views(replace(favourites, shown=event.id))
            return {**views(with_batch(made, found)), **opened}

        stored = [*self.outputs, self.kept]
        detail.keep.click(self.on_keep, [self.made, made, detail.chosen], stored, **QUICK)
        self.remove.click(self.on_remove, self.made, stored, **QUICK)
        return self.grid.pick(on_open, [self.made, made], [*batch, *self.outputs], **EVERY)

    def views(self, favourites: BatchHistory) -> dict:
        """All of them, with the opened one marked."""
        items = [item_of(i, b, b.shown_set(self.library.get(b.model))) for i, b in enumerate(favourites.batches)]
        images = stacked([b.tensor()[0] for b in favourites.batches]) if items else None
        marked = [favourites.shown] if favourites.shown != NONE else []
        return {
            self.made: favourites,
            self.grid: pictures(images, items, cell=84, selected=marked, empty=EMPTY),
            self.remove: gr.update(interactive=bool(marked)),
        }

    def kept_views(self, kept: object, studio: Studio) -> dict:
        """Those that a browser kept, as far as they are whole; those of models that are not there yet wait."""
        return self.views(replace(from_kept(self.library, kept, studio), shown=NONE))

    def on_model(self, favourites: BatchHistory, model: str) -> dict:
        """A model is there now: its favourites are as well."""
        found = read_of(favourites, self.library.get(model))
        return {self.made: gr.skip()} if found is favourites else self.views(replace(found, shown=NONE))

    def on_keep(self, favourites: BatchHistory, made: BatchHistory, chosen: int) -> dict:
        """The picture that is looked at becomes the first of them."""
        batch = shown_batch(made)
        one = single(batch, chosen if is_whole(chosen, 0, len(batch) - 1) else 0)
        or_gr_error(resolved, self.library.get(batch.model), one.request)
        others = tuple(b for b in favourites.batches if not same(b, one))
        gr.Info(KEPT)
        return self._stored(replace(favourites, batches=(one, *others)[:MAX_BATCHES], shown=0))

    def on_remove(self, favourites: BatchHistory) -> dict:
        """The one that is marked goes."""
        place = favourites.shown
        or_gr_error(self.found, favourites, place)
        left = (*favourites.batches[:place], *favourites.batches[place + 1 :])
        return self._stored(replace(favourites, batches=left, shown=NONE))

    def found(self, favourites: BatchHistory, place: object) -> Batch:
        """The favourite at a place. Raises ValueError where there is none."""
        if not is_whole(place, 0, len(favourites.batches) - 1):
            raise ValueError("favourite: expected one of those that are there, got another")
        assert isinstance(place, int)
        return favourites.batches[place]

    def _stored(self, favourites: BatchHistory) -> dict:
        return {**self.views(favourites), self.kept: to_keep(self.library, favourites, ROOM)}


def single(batch: Batch, index: int) -> Batch:
    """One picture of a batch as a batch of its own, from the seed that is its own."""
    request, rows = replace(batch.request, count=1, seed=batch.request.seed + index), slice(index, index + 1)
    return replace(batch, request=request, images=batch.images[rows], evidence=batch.evidence[rows])


def same(one: Batch, other: Batch) -> bool:
    return (one.model, one.request) == (other.model, other.request)


def with_batch(made: BatchHistory, batch: Batch) -> BatchHistory:
    """A visit's batches with this one shown: as the newest, unless it is among them."""
    place = next((i for i, b in enumerate(made.batches) if same(b, batch)), None)
    return made.made(batch) if place is None else replace(made, shown=place)
