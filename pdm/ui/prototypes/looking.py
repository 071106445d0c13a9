"""Looking at the Prototypes tab: stars, images and regions of the map, what is searched for, and how it is laid out."""

from __future__ import annotations

import gradio as gr
import torch
from PIL import Image

from pdm.app.library import Library
from pdm.app.refit import Layout
from pdm.app.regions import region, region_keys
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.data.images import from_pil
from pdm.ui.prototypes.refit_panel import RefitPanel
from pdm.ui.prototypes.views import ExploreViews
from pdm.ui.shared.events import EVERY, LATEST, QUICK
from pdm.ui.shared.inspector import or_gr_error
from pdm.ui.shared.session import VisitorSets
from pdm.ui.shared.wording import status


class ExploreLooking(ExploreViews):
    """The handlers that change no prototype."""

    library: Library
    sets: gr.State
    model: gr.Dropdown
    refit: RefitPanel

    def _shown(self, sets: VisitorSets, model: str) -> ShownSet:
        return sets.shown_set(self.library.get(model))

    def on_bare(self, sets: VisitorSets, model: str, star: int | None, images: tuple[int, ...]) -> dict:
        return self.layout_views(self.library.get(model), sets, star, images)

    def on_star(self, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        return self.star_views(self._shown(sets, model), event.id)

    def on_name(self, sets: VisitorSets, model: str, name: int | None) -> dict:
        return {self.line: gr.skip()} if name is None else self.star_views(self._shown(sets, model), name)

    def on_image(self, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        shown_set = self._shown(sets, model)
        images = or_gr_error(shown_set.studio.check_images, [event.id])
        return self.place_views(
            shown_set, shown_set.studio.map.images[images], shown_set.studio.class_of(images[0]), images
        )

    def on_lasso(self, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        shown_set = self._shown(sets, model)
        ids = or_gr_error(shown_set.studio.check_images, list(event.ids))
        stars = or_gr_error(shown_set.check, list(event.stars or []))
        if not ids:
            raise gr.Error("lasso: expected at least one image inside, got none", print_exception=False)
        return self.region_views(shown_set, ids, stars)

    def on_area(self, sets: VisitorSets, model: str, key: str | None) -> dict:
        if key is None:
            return {self.line: gr.skip()}
        shown_set = self._shown(sets, model)
        chosen = or_gr_error(region, shown_set, key)
        if not chosen.images:
            raise gr.Error(f"images: expected some in {chosen.title!r}, got none", print_exception=False)
        views = self.region_views(shown_set, chosen.images, chosen.stars, chosen.title)
        return views | {self.panel.area: gr.update(choices=region_keys(shown_set), value=key)}

    def on_enter(self, sets: VisitorSets, model: str, text: str) -> dict:
        shown_set = self._shown(sets, model)
        star = self.find.first(shown_set, text)
        return {self.line: gr.skip()} if star is None else self.star_views(shown_set, star)

    def _picture(self, studio: Studio, image: Image.Image) -> torch.Tensor:
        config = studio.pdm.denoiser.config
        return or_gr_error(from_pil, image, config.image_size, config.channels)[None]

    def on_upload(self, sets: VisitorSets, model: str, image: Image.Image | None) -> dict:
        usable = {self.find.add: gr.update(interactive=image is not None)}
        if image is None:
            return usable
        shown_set = self._shown(sets, model)
        return usable | self.place_views(shown_set, self._picture(shown_set.studio, image), "Your picture")

    def on_laid_out(
        self, sets: VisitorSets, model: str, star: int | None, images: tuple[int, ...], made: tuple[str, Layout] | None
    ) -> dict:
        """Take a layout over that was made meanwhile: into the sets as they are now."""
        if made is None:
            return {self.refit.made: None}
        studio = self.library.get(made[0])
        sets = sets.laid_out(*made)
        here = self.layout_views(studio, sets, star, images) if studio.name == model else {}
        said = status(f"laid out with {len(sets.shown_set(studio).names)} prototypes")
        return {self.sets: sets, self.refit.made: None, self.refit.line: said, **here}

    def on_layout_back(self, sets: VisitorSets, model: str, star: int | None, images: tuple[int, ...]) -> dict:
        studio = self.library.get(model)
        sets = sets.layout_before(studio.name)
        return {
            self.sets: sets,
            self.refit.line: status("back to the layout before"),
            **self.layout_views(studio, sets, star, images),
        }

    def wire_looking(self) -> None:
        here, find, refit = [self.sets, self.model], self.find, self.refit
        bare = [*here, self.chosen, self.region]
        self.view.bare(self.on_bare, bare, [self.view, refit.back], **QUICK)
        self.view.star(self.on_star, here, self.inspected, **EVERY)
        self.view.image(self.on_image, here, self.inspected, **EVERY)
        self.view.lasso(self.on_lasso, here, self.inspected, **EVERY)
        self.near.pick(self.on_star, here, self.inspected, **EVERY)
        self.shown.pick(self.on_image, here, self.inspected, **EVERY)
        self.names.input(self.on_name, [*here, self.names], self.inspected, **LATEST)
        self.panel.area.input(self.on_area, [*here, self.panel.area], self.inspected, **LATEST)
        find.wire(self.library, *here, self.view)
        find.list.open(self.on_star, here, self.inspected, **EVERY)
        find.text.submit(self.on_enter, [*here, find.text], self.inspected, **QUICK)
        find.upload.change(self.on_upload, [*here, find.upload], [find.add, *self.inspected], **QUICK)
        at = [*here, self.chosen, self.region]
        shown = [self.sets, self.view, refit.line, refit.back]
        refit.ended.success(self.on_laid_out, [*at, refit.made], [refit.made, *shown], **QUICK)
        refit.back.click(self.on_layout_back, at, shown, **QUICK)
