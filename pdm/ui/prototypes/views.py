"""What the Prototypes tab shows for a star, a lasso, a picture, a set: new values by component."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr
import torch

from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.map.projection import kind_of
from pdm.ui.components.map_view import map_base, map_state
from pdm.ui.components.picture_grid import Item, pictures
from pdm.ui.prototypes.edit_panel import NEEDS_STAR
from pdm.ui.prototypes.parts import NOTHING, ExploreParts, about, choices
from pdm.ui.shared import inspector
from pdm.ui.shared.inspector import near_prototypes, nearest_images, or_gr_error
from pdm.ui.shared.session import Batch, VisitorSets
from pdm.ui.shared.wording import heading, status


class ExploreViews(ExploreParts):
    """Every view sets all of the inspector, so that nothing of what was chosen before is left behind."""

    def _views(self, shown_set: ShownSet, star: int | None = None, **changes) -> dict:
        """The inspector with one star or none; `changes` by attribute name."""
        views = {
            self.chosen: star,
            self.region: (),
            self.view: map_state(shown_set, star=star),
            self.names: star,
            self.title: NOTHING,
            self.make_up: "",
            self.paint: gr.update(interactive=star is not None),
            self.line: status(""),
            self.before_title: "",
            self.before: pictures(None, []),
            self.painted_title: "",
            self.painted: pictures(None, []),
            self.fold: gr.update(visible=star is not None),
            self.hint: heading("Edit", NEEDS_STAR) if star is None else "",
            self.slider_fold: gr.update(visible=False),
            self.pick: gr.update(visible=star is not None),
            self.add_it: gr.update(visible=False),
            self.shown_title: "",
            self.shown: pictures(None, []),
            self.near_title: "",
            self.near: pictures(None, []),
            **self.panel.views(shown_set, star),
        }
        return views | {getattr(self, name): value for name, value in changes.items()}

    def star_views(self, shown_set: ShownSet, k) -> dict:
        """The inspector for prototype k."""
        k = or_gr_error(shown_set.check, [k])[0]
        z = shown_set.vectors([k])
        return self._views(
            shown_set,
            k,
            title=inspector.star_title(shown_set, k),
            make_up=inspector.class_bars(shown_set.studio, inspector.star_classes(shown_set, k)),
            shown_title=heading(f"The {kind_of(shown_set.studio.map.generated)} nearest to it"),
            shown=nearest_images(shown_set.studio, z),
            near_title=heading("Its neighbours"),
            near=near_prototypes(shown_set, z, skip=k),
        )

    def place_views(self, shown_set: ShownSet, images: torch.Tensor, name: str, ids: Sequence[int] = ()) -> dict:
        """The inspector for one picture (1, C, H, W), a training image or somebody's own, and its place on the map."""
        studio = shown_set.studio
        z = studio.features(images)
        x, y = shown_set.map.place(z)[0].tolist()
        note = f"A {kind_of(studio.map.generated, 1)}." if ids else "Placed by its features; marked on the map."
        return self._views(
            shown_set,
            region=tuple(ids),
            view=map_state(shown_set, images=list(ids), query=None if ids else (x, y)),
            title=heading(name, note),
            add_it=gr.update(visible=bool(ids), value="Add it as a prototype"),
            painted=pictures(images, [Item(0)], cell=110, still=True),
            shown_title=heading(f"The {kind_of(studio.map.generated)} nearest to it"),
            shown=nearest_images(studio, z),
            near_title=heading("Its prototypes"),
            near=near_prototypes(shown_set, z),
        )

    def region_views(self, shown_set: ShownSet, ids: list[int], stars: list[int], name: str = "") -> dict:
        """The inspector for a region of the map, which may have a name: images, and the prototypes among them."""
        studio = shown_set.studio
        middle = studio.map.features[ids].mean(0, keepdim=True)
        return self._views(
            shown_set,
            region=tuple(ids),
            view=map_state(shown_set, images=ids),
            title=inspector.region_title(len(ids), len(stars), name),
            add_it=gr.update(visible=True, value="Add their mean as a prototype"),
            make_up=inspector.class_bars(studio, inspector.image_classes(studio, torch.tensor(ids))),
            shown_title=heading("Among them"),
            shown=inspector.some(studio, ids),
            near_title=heading("Prototypes nearest to their mean"),
            near=near_prototypes(shown_set, middle),
        ) | {self.panel.group: gr.update(choices=choices(shown_set), value=stars)}

    def set_views(self, studio: Studio, sets: VisitorSets, star: int | None = None) -> dict:
        """Everything that shows the set: after an edit, an undo, another model or a loaded file."""
        shown_set, history = sets.shown_set(studio), sets.history(studio)
        shown = self.star_views(shown_set, star) if star in shown_set.names else self._views(shown_set)
        lists = {c: gr.update(choices=choices(shown_set), value=None) for c in (self.names, self.a, self.b, self.c)}
        lists[self.names] = gr.update(choices=choices(shown_set), value=star if star in shown_set.names else None)
        return {self.sets: sets, **shown, **lists, **self.past.views(history)}

    def model_views(self, studio: Studio, sets: VisitorSets) -> dict:
        """The tab for another model, with nothing searched for."""
        others = {self.about: about(studio), **self.real.views(studio), self.find.text: ""}
        return self.set_views(studio, sets) | self.layout_views(studio, sets) | others

    def layout_views(
        self, studio: Studio, sets: VisitorSets, star: int | None = None, images: Sequence[int] = ()
    ) -> dict:
        """The map where its layout has it, with what was picked out on it."""
        state = map_state(sets.shown_set(studio), star=star, images=list(images))
        layout = sets.layout(studio)
        return {
            self.view: gr.update(base=map_base(studio, layout), value=state),
            self.refit.back: gr.update(interactive=layout is not None),
        }

    def made_picture(self, studio: Studio, sets: VisitorSets, batch: Batch, index: int) -> dict:
        """The inspector for a generated picture: where the map puts it."""
        picture = batch.tensor()[index : index + 1]
        return self.place_views(sets.shown_set(studio), picture, "The picture you made")
