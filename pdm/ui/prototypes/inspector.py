"""The inspector of the Prototypes tab: what is said and shown of a star, an image, a region or a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gradio as gr
import torch
from gradio.events import Dependency
from PIL import Image

from pdm.app.drag_film import PICTURES, DragFilm
from pdm.app.regions import region, region_keys
from pdm.app.shown_set import ShownSet
from pdm.map.projection import kind_of
from pdm.ui.components.picture_grid import Item, PictureGrid, pictures
from pdm.ui.prototypes.asked_edit import AskedEdit
from pdm.ui.prototypes.edit_panel import EditPanel, mean_of
from pdm.ui.prototypes.find_panel import FindPanel, as_image
from pdm.ui.prototypes.region_panel import RegionPanel
from pdm.ui.prototypes.star_map import StarMap
from pdm.ui.prototypes.strips import Strips
from pdm.ui.prototypes.visit import Visit, choices
from pdm.ui.shared import descriptions
from pdm.ui.shared.descriptions import near_prototypes, nearest_images
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import EVERY, LATEST, QUICK
from pdm.ui.shared.session import Batch, VisitorSets
from pdm.ui.shared.wording import heading, status

NOTHING = heading("Nothing chosen yet", "Click a star, drag one, lasso some dots, or double-click to add a star there.")
GONE = "Your edits have taken them out of the set."
NOTHING_INSIDE = heading("No images inside", "Draw round some dots, or choose images from the list under the map.")


class Inspector:
    """Laid out in the current column. Each view sets all of it, so that nothing of an earlier choice stays behind.

    What it shows is also picked out on the map (`star_map`) and set in the controls that edit (`panel`). `chosen` are
    the events that choose a star, `choosing` what chooses anything, be it a star or not; `known` gives pictures of a
    star that need not be painted.
    """

    chosen: list[Dependency]
    choosing: list[Callable]
    known: Callable[[ShownSet, int], dict]

    def __init__(self, visit: Visit, star_map: StarMap, panel: EditPanel, find: FindPanel, shown_set: ShownSet):
        self.visit, self.star_map, self.panel, self.find = visit, star_map, panel, find
        self.known = lambda shown_set, star: {}
        listed = choices(shown_set)
        self.names = gr.Dropdown(
            listed, value=None, label="Prototype", container=False, filterable=True, elem_id="star-names"
        )
        self.title = gr.HTML(NOTHING, elem_id="star-title")
        self.strips = Strips()
        with gr.Row(elem_classes="tight", elem_id="shown-row"):
            self.pick = gr.Button("Use in Generate", size="sm", visible=False, elem_id="pick-star")
            self.add_it = gr.Button("Add it as a prototype", size="sm", visible=False, elem_id="add-it")
            self.edit = gr.Button("Edit on the canvas", size="sm", visible=False, elem_id="edit-shown")
        self.region = RegionPanel(visit, star_map)
        self.make_up = gr.HTML("", elem_id="make-up")
        self.shown_title = gr.HTML("")
        self.shown = PictureGrid(elem_id="shown")
        self.near_title = gr.HTML("")
        self.near = PictureGrid(elem_id="near")
        self._wire()

    def _wire(self) -> None:
        here, view, find, area = self.visit.inputs, self.star_map.view, self.find, self.panel.area
        names, near, shown = self.names, self.near, self.shown
        self.choosing = [view.star, near.pick, names.input, find.list.open, find.text.submit]
        self.choosing += [view.image, view.lasso, shown.pick, area.input]
        self.chosen = [
            view.star(self.on_star, here, self.outputs, **EVERY),
            self.near.pick(self.on_star, here, self.outputs, **EVERY),
            self.names.input(self.on_name, [*here, self.names], self.outputs, **LATEST),
            find.list.open(self.on_star, here, self.outputs, **EVERY),
            find.text.submit(self.on_enter, [*here, find.text], self.outputs, **QUICK),
        ]
        view.image(self.on_image, here, self.outputs, **EVERY)
        view.lasso(self.on_lasso, here, self.outputs, **EVERY)
        self.shown.pick(self.on_image, here, self.outputs, **EVERY)
        area.input(self.on_area, [*here, area], self.outputs, **LATEST)
        told = [find.add, find.options, find.turned, find.cut, find.seen, *self.outputs]
        find.upload.change(self.on_upload, [*here, find.upload], told, **QUICK)
        for switch in (find.turned, find.cut):
            switch.input(self.on_seen, [*here, *find.picture], [find.seen, *self.outputs], **LATEST)

    @property
    def outputs(self) -> list:
        """Everything that a view sets."""
        own = [self.names, self.title, self.make_up, self.pick, self.add_it, self.edit]
        grids = [self.shown_title, self.shown, self.near_title, self.near]
        return [*self.star_map.outputs, *own, *self.strips.outputs, *self.region.outputs, *grids, *self.panel.outputs]

    def edits(self) -> list[AskedEdit]:
        """What its own buttons ask for."""
        return [AskedEdit(self.add_it.click, "add", mean_of, [self.star_map.region]), *self.region.edits()]

    def views(self, shown_set: ShownSet, star: int | None = None) -> dict:
        """With one prototype chosen, of which nothing is said yet, or with none. A muted one paints nothing."""
        heard = star in shown_set.prototypes.active
        return {
            **self.star_map.picked(shown_set, star),
            self.names: star,
            self.title: NOTHING,
            self.make_up: "",
            **self.strips.blank(heard),
            **self.region.blank(),
            self.pick: gr.update(visible=heard),
            self.add_it: gr.update(visible=False),
            self.edit: gr.update(visible=False),
            self.shown_title: "",
            self.shown: pictures(None, []),
            self.near_title: "",
            self.near: pictures(None, []),
            **self.panel.views(shown_set, star),
        }

    def star_views(self, shown_set: ShownSet, star: int) -> dict:
        """One prototype. Raises gr.Error for an id that the set does not have."""
        or_gr_error(shown_set.check, [star])
        studio, z = shown_set.studio, shown_set.vectors([star])
        return {
            **self.views(shown_set, star),
            self.title: descriptions.star_title(shown_set, star),
            self.make_up: descriptions.class_bars(studio, descriptions.star_classes(shown_set, star)),
            self.shown_title: heading(f"The {kind_of(studio.map.generated)} nearest to it"),
            self.shown: nearest_images(studio, z),
            self.near_title: heading("Its neighbours"),
            self.near: near_prototypes(shown_set, z, skip=star),
            **(self.known(shown_set, star) if star in shown_set.prototypes.active else {}),
        }

    def place_views(self, shown_set: ShownSet, images: torch.Tensor, name: str, ids: Sequence[int] = ()) -> dict:
        """One picture (1, C, H, W) and its place on the map; `ids` names it where it is one of the map's images."""
        studio = shown_set.studio
        z = studio.features(images)
        x, y = shown_set.map.place(z)[0].tolist()
        note = f"A {kind_of(studio.map.generated, 1)}." if ids else "Marked on the map, where its features put it."
        return {
            **self.views(shown_set),
            **self.star_map.picked(shown_set, images=ids, query=None if ids else (x, y)),
            self.title: heading(name, note, named=name in studio.map.class_names),
            self.add_it: gr.update(visible=bool(ids), value="Add it as a prototype"),
            self.edit: gr.update(visible=bool(ids)),
            self.strips.painted: pictures(images, [Item(0)], cell=110, still=True),
            self.shown_title: heading(f"The {kind_of(studio.map.generated)} nearest to it"),
            self.shown: nearest_images(studio, z),
            self.near_title: heading("The prototypes nearest to it"),
            self.near: near_prototypes(shown_set, z),
        }

    def region_views(self, shown_set: ShownSet, ids: list[int], stars: list[int], name: str = "") -> dict:
        """A region of the map, which may have a name: its images `ids` and the prototypes `stars` among them."""
        studio = shown_set.studio
        middle = studio.map.features[ids].mean(0, keepdim=True)
        return {
            **self.views(shown_set),
            **self.star_map.picked(shown_set, images=ids),
            self.title: descriptions.region_title(len(ids), len(stars), name),
            self.add_it: gr.update(visible=True, value="Add their mean as a prototype"),
            self.make_up: descriptions.class_bars(studio, descriptions.image_classes(studio, torch.tensor(ids))),
            self.shown_title: heading("Among them"),
            self.shown: descriptions.some(studio, ids),
            self.near_title: heading("Prototypes nearest to their mean"),
            self.near: near_prototypes(shown_set, middle),
            **self.region.views(shown_set, ids, stars),
            self.panel.group: gr.update(choices=choices(shown_set), value=stars),
        }

    def set_views(self, shown_set: ShownSet, star: int | None) -> dict:
        """After the set has changed: the same prototype, if it still has it, and the list of all of them."""
        star = star if star in shown_set.names else None
        shown = self.views(shown_set) if star is None else self.star_views(shown_set, star)
        return {**shown, self.names: gr.update(choices=choices(shown_set), value=star)}

    def opened(self, shown_set: ShownSet, views: dict, film: DragFilm) -> dict:
        """All `views` of a set that nobody has looked at yet, with the film's star chosen and its pictures shown.

        The pictures of all places that the star comes by are sent along; the map shows them, a row for each place.
        """
        chosen, sent = self.set_views(shown_set, film.star), views[self.star_map.view]
        base = {"base": sent["base"]} if "base" in sent else {}  # of a model that is not the page's first
        tour = {"id": film.star, "path": [[round(x, 3), round(y, 3)] for x, y in film.path]}
        items = [Item(i) for i in range(PICTURES)]
        return {
            **views,
            **chosen,
            self.star_map.view: gr.update(value=chosen[self.star_map.view], tour=tour, **base),
            self.strips.line: status(f"{PICTURES} pictures from {shown_set.names[film.star]}"),
            self.strips.painted_title: heading("What it paints"),
            self.strips.painted: pictures(film.images, items, across=4, still=True),
        }

    def first_pictures(self, batch: Batch) -> dict:
        """With nothing chosen yet, what the model has painted already: the place beside the map is never empty."""
        images = batch.tensor()[:PICTURES]
        return {
            self.strips.painted_title: heading("What this model paints"),
            self.strips.painted: pictures(images, [Item(i) for i in range(len(images))], across=4, still=True),
        }

    def made_picture(self, shown_set: ShownSet, batch: Batch, index: int) -> dict:
        """A generated picture, where the map puts it, and the prototypes that made it as far as the set has them."""
        views = self.place_views(shown_set, batch.tensor()[index : index + 1], "The picture you made")
        made_of = [(k, w) for k, w in sorted(batch.evidence[index], key=lambda pair: -pair[1]) if k in shown_set.names]
        return views | {
            self.near_title: heading("The prototypes that made it", "" if made_of else GONE),
            self.near: descriptions.weighted_prototypes(shown_set, made_of),
        }

    def on_star(self, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        return self.star_views(self.visit.shown_set(sets, model), event.id)

    def on_name(self, sets: VisitorSets, model: str, name: int | None) -> dict:
        return self._unchanged() if name is None else self.star_views(self.visit.shown_set(sets, model), name)

    def on_enter(self, sets: VisitorSets, model: str, text: str) -> dict:
        """Open the first prototype that the text finds."""
        shown_set = self.visit.shown_set(sets, model)
        star = self.find.first(shown_set, text)
        return self._unchanged() if star is None else self.star_views(shown_set, star)

    def on_image(self, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        shown_set = self.visit.shown_set(sets, model)
        studio = shown_set.studio
        ids = or_gr_error(studio.check_images, [event.id])
        return self.place_views(shown_set, studio.map.images[ids], studio.class_of(ids[0]), ids)

    def on_lasso(self, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        shown_set = self.visit.shown_set(sets, model)
        ids = or_gr_error(shown_set.studio.check_images, list(event.ids))
        stars = or_gr_error(shown_set.check, list(event.stars or []))
        if not ids:
            return {**self.views(shown_set), self.title: NOTHING_INSIDE}
        return self.region_views(shown_set, ids, stars)

    def on_area(self, sets: VisitorSets, model: str, key: str | None) -> dict:
        """Show a region that was chosen from the list, by its key."""
        if key is None:
            return self._unchanged()
        shown_set = self.visit.shown_set(sets, model)
        chosen = or_gr_error(region, shown_set, key)
        if not chosen.images:
            raise gr.Error(f"No image is nearest to {chosen.title}.", print_exception=False)
        views = self.region_views(shown_set, chosen.images, chosen.stars, chosen.title)
        return views | {self.panel.area: gr.update(choices=region_keys(shown_set), value=key)}

    def on_upload(self, sets: VisitorSets, model: str, image: Image.Image | None) -> dict:
        """Show where an uploaded picture lies; it can be added from then on."""
        usable = self.find.picture_views(self.visit.library.get(model), image)
        if image is None:
            return usable
        return usable | self.on_seen(sets, model, image, usable[self.find.turned], usable[self.find.cut])

    def on_seen(self, sets: VisitorSets, model: str, image: Image.Image | None, turned: bool, cut: bool) -> dict:
        """The uploaded picture is to be seen in another way."""
        if image is None:
            return self._unchanged()
        shown_set = self.visit.shown_set(sets, model)
        made = as_image(shown_set.studio, image, turned, cut)
        seen = pictures(made, [Item(0)], cell=110, still=True)
        return {self.find.seen: seen, **self.place_views(shown_set, made, "Your picture")}

    def _unchanged(self) -> dict:
        return {self.title: gr.skip()}
