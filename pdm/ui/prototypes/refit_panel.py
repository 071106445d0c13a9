"""Laying the map out again: a visitor asks for it, watches it, stops it and takes it back.

Nobody else's map changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

import gradio as gr

from pdm.app.refit import Layout, Slots, refit
from pdm.app.studio import Studio
from pdm.ui.components.map_view import map_base, map_state
from pdm.ui.prototypes.star_map import StarMap
from pdm.ui.prototypes.visit import Visit
from pdm.ui.shared.events import PRIVATE, QUICK, SESSION_SECONDS, StopSwitch
from pdm.ui.shared.session import VisitorSets
from pdm.ui.shared.wording import heading, status

ABOUT = (
    "The map was laid out once, without your edits. UMAP can lay it out again together with your prototypes, starting "
    "from where everything lies now. It takes about a minute, and nobody else's map changes."
)


class RefitPanel:
    """Laid out in the current column. `made` holds a new layout and its model's name until it is taken over."""

    def __init__(self, visit: Visit, star_map: StarMap):
        self.visit, self.star_map, self.slots = visit, star_map, Slots()
        self.made = gr.State(None, time_to_live=SESSION_SECONDS)
        with gr.Accordion("Refit the map", open=False, elem_id="refit-fold"):
            gr.HTML(heading("", ABOUT))
            with gr.Row(elem_classes="tight"):
                self.go = gr.Button("Refit UMAP", size="sm", elem_id="refit")
                self.cancel = gr.Button("Cancel", size="sm", elem_id="refit-cancel")
                self.back = gr.Button("Back to the layout before", size="sm", interactive=False, elem_id="refit-back")
            self.line = gr.HTML(status(""), elem_id="refit-line")
        self.switch = StopSwitch(self.cancel)
        self._wire()

    def _wire(self) -> None:
        asked, options = [*self.visit.inputs, self.switch.pressed], {"concurrency_limit": None, **PRIVATE}
        ended = self.go.click(self.on_go, asked, [self.line, self.made], **options)
        picked = [*self.visit.inputs, self.star_map.chosen, self.star_map.region]
        shown = [self.visit.sets, self.star_map.view, self.line, self.back]
        ended.success(self.on_laid_out, [*picked, self.made], [self.made, *shown], **QUICK)
        self.back.click(self.on_layout_back, picked, shown, **QUICK)
        self.star_map.view.bare(self.on_bare, picked, [self.star_map.view, self.back], **QUICK)

    def layout_views(
        self, studio: Studio, sets: VisitorSets, star: int | None = None, images: Sequence[int] = ()
    ) -> dict:
        """The whole map as it is laid out for this visitor, with what was picked out on it."""
        state = map_state(sets.shown_set(studio), star=star, images=list(images))
        layout = sets.layout(studio)
        return {
            self.star_map.view: gr.update(base=map_base(studio, layout), value=state),
            self.back: gr.update(interactive=layout is not None),
        }

    def on_bare(self, sets: VisitorSets, model: str, star: int | None, images: tuple[int, ...]) -> dict:
        """The browser has no map to draw: send it once more."""
        return self.layout_views(self.visit.library.get(model), sets, star, images)

    def on_go(self, sets: VisitorSets, model: str, pressed: float, asker: gr.Request) -> Iterator[dict]:
        shown_set = self.visit.shown_set(sets, model)
        try:
            with self.slots.held(asker.session_hash), closing(refit(shown_set)) as steps:
                for step in steps:
                    if self.switch.asked(asker, pressed):
                        yield {self.line: status("cancelled; everything is as it was"), self.made: None}
                        return
                    made = step.layout and (shown_set.studio.name, step.layout)
                    yield {self.line: status(step.what, step.part), self.made: made}
        except (ValueError, RuntimeError) as error:
            yield {self.line: status("")}
            raise gr.Error(str(error), print_exception=False) from error

    def on_laid_out(
        self, sets: VisitorSets, model: str, star: int | None, images: tuple[int, ...], made: tuple[str, Layout] | None
    ) -> dict:
        """Put a finished layout into the visitor's sets as they are by now: they may have changed meanwhile."""
        if made is None:
            return {self.made: None}
        name, layout = made
        studio = self.visit.library.get(name)
        sets = sets.laid_out(name, layout)
        here = self.layout_views(studio, sets, star, images) if name == model else {}
        said = status(f"laid out with {len(sets.shown_set(studio).names)} prototypes")
        return {self.visit.sets: sets, self.made: None, self.line: said, **here}

    def on_layout_back(self, sets: VisitorSets, model: str, star: int | None, images: tuple[int, ...]) -> dict:
        studio = self.visit.library.get(model)
        sets = sets.layout_before(studio.name)
        return {
            self.visit.sets: sets,
            self.line: status("back to the layout before"),
            **self.layout_views(studio, sets, star, images),
        }
