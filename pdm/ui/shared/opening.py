"""What a model opens with: its first pictures, made once for all visitors."""

from __future__ import annotations

import threading
from contextlib import suppress

from pdm.app.canvas_painting import CanvasRequest, Painted, painted, resolved_canvas, run_canvas
from pdm.app.drag_film import DragFilm, drag_film
from pdm.app.library import Library
from pdm.app.painting import run
from pdm.app.requests import Request, resolved
from pdm.app.scenes import opening_scene
from pdm.ui.shared.session import Batch, BatchHistory, finished


class Openings:
    """A real batch with its recipe for each model that was looked at; making it warms the network up.

    Threads may share it: whoever asks for a model that is being loaded or painted waits, and nobody else does.
    """

    def __init__(self, library: Library):
        self.library = library
        self._batches: dict[str, Batch] = {}
        self._canvases: dict[str, Painted] = {}
        self._films: dict[str, DragFilm | None] = {}
        self._filming = threading.Lock()
        self._painting = {name: threading.Lock() for name in library.names}

    def of(self, name: str) -> BatchHistory:
        """The opening pictures of a model, which is loaded first where it was not. Raises ValueError as that does."""
        if name not in self._batches:
            with self._painting.setdefault(name, threading.Lock()):  # a model may have been added since
                if name not in self._batches:
                    self._batches[name] = self._painted(name)
        return BatchHistory((self._batches[name],), opening=True)

    def begin(self, name: str, *, paint: bool = True) -> threading.Thread:
        """Start to load a model, and to `paint`, in a thread; what goes wrong is raised to whoever asks for them."""

        def work() -> None:
            with suppress(ValueError, OSError):
                self.of(name) if paint else self.library.get(name)

        thread = threading.Thread(target=work, name=f"opening of {name}", daemon=True)
        thread.start()
        return thread

    def film(self, name: str) -> DragFilm | None:
        """The film of a star of this model that is drawn over the map; None for a damaged model.

        It is made once for all visitors: who comes while it is being made waits for it, a second or two.
        """
        with self._filming:
            if name not in self._films:
                self._films[name] = None
                with suppress(ValueError, OSError):
                    self._films[name] = drag_film(self.library.get(name))
            return self._films[name]

    def canvas(self, name: str) -> Painted | None:
        """The scene that a model's canvas opens with and its picture; None while nobody has painted it."""
        return self._canvases.get(name)

    def paint_canvas(self, name: str) -> None:
        """Paint that picture. Whoever opens the canvas meanwhile paints the same."""
        with suppress(ValueError, OSError):
            studio = self.library.get(name)
            request = resolved_canvas(studio, CanvasRequest(opening_scene(studio.shown_set())))
            *_, last = run_canvas(studio, request)
            self._canvases[name] = painted(studio, request, last)

    def _painted(self, name: str) -> Batch:
        studio = self.library.early(name)  # its map is read meanwhile
        request = resolved(studio, Request(seed=1))
        *_, last = run(studio, request)
        return finished(studio, request, last)
