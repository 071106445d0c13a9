"""A PNG that was made here, dropped on Generate: what its recipe asks for."""

from __future__ import annotations

from pathlib import Path

from pdm.app.requests import Request, resolved
from pdm.app.studio import Studio
from pdm.data.images import MAX_PIXELS
from pdm.data.picture_header import check_picture
from pdm.editing.history import EditHistory
from pdm.editing.prototype_set import PrototypeSet
from pdm.pipelines.recipe import Recipe, read_recipe
from pdm.support.checks import shown

FOREIGN = "This picture has no recipe inside. Drop a PNG that was made here."
OTHER_TAB = "This picture was made on a canvas or by another method. Open it where it was made."
LIBRARY = "This picture was made in Python, in a way that the page does not have."
NEEDS_FILE = "This picture was made of edited prototypes. Load their file first: Prototypes, Save and load."


def request_in(studio: Studio, history: EditHistory, path: str | None, count: int) -> Request:
    """What makes the picture in a PNG, resolved, and those whose seeds follow its own: `count` in all.

    history: of the visitor's own set. Raises ValueError, which does not say where the server keeps the file.
    """
    if path is None:
        raise ValueError(FOREIGN)
    check_picture(path, MAX_PIXELS)
    try:
        recipe = read_recipe(Path(path))
    except (ValueError, SyntaxError, RecursionError):
        raise ValueError(FOREIGN) from None
    if recipe.method != "pdm" or recipe.canvas or recipe.start or recipe.query:
        raise ValueError(OTHER_TAB)
    if recipe.product or recipe.negative_weights:
        raise ValueError(LIBRARY)
    if recipe.model != studio.name:
        raise ValueError(f"This picture was made with the model {shown(recipe.model)}. Choose that model first.")
    edited = _set_of(studio, history, recipe)
    request = Request(
        prototypes=recipe.prototypes,
        weights=recipe.weights,
        negative=recipe.negative,
        count=count,
        seed=recipe.seed,
        steps=recipe.steps,
        guidance=recipe.guidance,
        sampler=recipe.sampler,
        prototype_set=None if edited == studio.base else edited,
    )
    return resolved(studio, request)


def _set_of(studio: Studio, history: EditHistory, recipe: Recipe) -> PrototypeSet:
    """The set that a recipe names, among those that the visitor has had."""
    if recipe.prototype_set is None:
        return studio.base
    for _, prototypes in history.steps:
        if prototypes.digest == recipe.prototype_set:
            return prototypes
    raise ValueError(NEEDS_FILE)
