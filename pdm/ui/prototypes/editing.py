"""Editing on the Prototypes tab: every edit, undo, redo and loaded file, and what the page shows after it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

import gradio as gr
from PIL import Image

from pdm.app.regions import empty_at
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.editing.edits import apply
from pdm.editing.history import EditHistory
from pdm.ui.guard.blocks import plain
from pdm.ui.prototypes.asked_edit import NEEDS_STAR, AskedEdit
from pdm.ui.prototypes.edit_panel import EditPanel
from pdm.ui.prototypes.find_panel import FindPanel, as_image
from pdm.ui.prototypes.history_panel import EditLogPanel
from pdm.ui.prototypes.painting import Painting
from pdm.ui.prototypes.set_file_panel import SetFilePanel
from pdm.ui.prototypes.set_views import SetViews
from pdm.ui.prototypes.star_map import StarMap
from pdm.ui.prototypes.visit import Visit
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import EVERY, LATEST, QUICK, SESSION_SECONDS
from pdm.ui.shared.keeping import loaded_set
from pdm.ui.shared.session import VisitorSets

NOTHING_THERE = "No images are there: it lies with those that are nearest."


class Editing:
    """`asked` are the edits that the other parts ask for; `edits` is a state that is another after each edit, for what
    follows all of them alike, and `preview` the event that paints then."""

    def __init__(
        self,
        visit: Visit,
        star_map: StarMap,
        *,
        panel: EditPanel,
        history: EditLogPanel,
        find: FindPanel,
        set_file: SetFilePanel,
        views: SetViews,
        painting: Painting,
        asked: Sequence[AskedEdit],
    ):
        self.visit, self.views, self.painting, self.panel, self.star_map = visit, views, painting, panel, star_map
        self.at = [*visit.inputs, star_map.chosen]
        # One event that follows all edits, not one for each: a page that opens takes its time for every event.
        self.edits = gr.State("", time_to_live=SESSION_SECONDS)
        self.changed = [*views.outputs, self.edits]
        self._additions(star_map, find, set_file)
        self._steps(star_map, history)
        for edit in asked:
            self._asked(edit)
        self.preview = self.edits.change(
            painting.preview, [*self.at, painting.switch.pressed], painting.compared, **LATEST
        )
        self.edits.change(find.on_text, find.asked, find.found, **LATEST)

    def _additions(self, star_map: StarMap, find: FindPanel, set_file: SetFilePanel) -> None:
        """Edits by the mouse, by a picture and by a file."""
        here, changed, dropped = self.visit.inputs, self.changed, self.painting.dropped
        self.painting.let_go.success(self.on_drag, [*here, dropped], changed, **QUICK)
        star_map.view.place(self.on_add_point, here, changed, **QUICK)
        find.add.click(self.on_add_picture, [*here, *find.picture], changed, **QUICK)
        set_file.load.upload(self.on_load, [*here, set_file.load], changed, **QUICK)

    def _steps(self, star_map: StarMap, history: EditLogPanel) -> None:
        """Undo and redo, by the keyboard on the map, by buttons and by the list."""
        for undo in (star_map.view.undo, history.undo.click):
            undo(self.on_undo, self.at, self.changed, **EVERY)
        for redo in (star_map.view.redo, history.redo.click):
            redo(self.on_redo, self.at, self.changed, **EVERY)
        history.log.go(self.on_go, self.at, self.changed, **EVERY)

    def _asked(self, edit: AskedEdit) -> None:
        def on_asked(sets: VisitorSets, model: str, star: int | None, *values) -> dict:
            shown_set = self.visit.shown_set(sets, model)
            if edit.needs_star and star not in shown_set.names:
                raise gr.Error(NEEDS_STAR, print_exception=False)
            given = or_gr_error(edit.arguments, shown_set, star, *values)
            views = self._done(sets, shown_set, star, edit.operation, given)
            return self._as_typed(views, sets, shown_set.studio, star)

        edit.trigger(on_asked, [*self.at, *edit.inputs], self.changed, **QUICK)

    def _done(self, sets: VisitorSets, shown_set: ShownSet, star: int | None, operation: str, given: dict) -> dict:
        """Apply an edit. A prototype that it has made is chosen, else `star` stays so."""
        history = sets.history(shown_set.studio)
        prototypes, sentence = or_gr_error(apply, history.now, operation, given, shown_set.edit_context)
        new = [k for k in prototypes.ids if k not in history.now.ids]
        if "point" in given and empty_at(shown_set, given["point"]):
            gr.Info(NOTHING_THERE)
        if star is None and not new:
            gr.Info(plain(sentence))  # nothing that is in view says it
        if star is None:
            star = next((k for k in [*new, *given.get("ids", ())] if k in prototypes.ids), None)
        return self._changed(shown_set.studio, sets, history.do(sentence, prototypes), new[0] if new else star)

    def _changed(self, studio: Studio, sets: VisitorSets, history: EditHistory, star: int | None) -> dict:
        """Everything that a change of the set changes, with sketches of `star` if they are known.

        No net runs here: pictures that are not known are made by `Painting.on_preview`, which waits for its turn.
        """
        gone = set(sets.history(studio).now.ids) - set(history.now.ids)
        sets = sets.put(studio, history)
        views = self._set_views(studio, sets, star, keep=not gone)
        return views | self.painting.known_sketch(sets, studio, star)

    def _set_views(self, studio: Studio, sets: VisitorSets, star: int | None = None, *, keep: bool = False) -> dict:
        """The views of a set that has just changed."""
        return {**self.views.of_set(studio, sets, star, keep=keep), self.edits: secrets.token_hex(8)}

    def _as_typed(self, views: dict, sets: VisitorSets, studio: Studio, star: int | None) -> dict:
        """The views after a change of `sets`, without the name and tags of a `star` that stays chosen and keeps them.

        Somebody may be typing others there when the views come.
        """
        before, now = sets.history(studio).now, views[self.visit.sets].history(studio).now
        if star is None or star not in before.ids or views[self.star_map.chosen] != star:
            return views
        return views | self.panel.kept_views(before.get(star), now.get(star))

    def on_drag(self, sets: VisitorSets, model: str, dropped: dict) -> dict:
        return self._done(sets, self.visit.shown_set(sets, model), dropped["id"], "move", dropped)

    def on_add_point(self, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        return self._done(sets, self.visit.shown_set(sets, model), None, "add", {"point": [event.x, event.y]})

    def on_add_picture(self, sets: VisitorSets, model: str, image: Image.Image | None, turned: bool, cut: bool) -> dict:
        if image is None:
            raise gr.Error("Choose a picture first.", print_exception=False)
        shown_set = self.visit.shown_set(sets, model)
        vector = shown_set.studio.features(as_image(shown_set.studio, image, turned, cut))[0].tolist()
        return self._done(sets, shown_set, None, "add", {"vector": vector})

    def on_load(self, sets: VisitorSets, model: str, path: str) -> dict:
        studio = self.visit.library.get(model)
        return self._set_views(studio, loaded_set(studio, sets, path))

    def on_undo(self, sets: VisitorSets, model: str, star: int | None) -> dict:
        return self._stepped(sets, model, star, EditHistory.undo)

    def on_redo(self, sets: VisitorSets, model: str, star: int | None) -> dict:
        return self._stepped(sets, model, star, EditHistory.redo)

    def on_go(self, sets: VisitorSets, model: str, star: int | None, event: gr.EventData) -> dict:
        return self._stepped(sets, model, star, lambda history: or_gr_error(history.go_to, event.index))

    def _stepped(
        self, sets: VisitorSets, model: str, star: int | None, go: Callable[[EditHistory], EditHistory]
    ) -> dict:
        studio = self.visit.library.get(model)
        return self._as_typed(self._changed(studio, sets, go(sets.history(studio)), star), sets, studio, star)
