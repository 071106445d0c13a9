"""What the tests of the Prototypes tab do with its handlers, called as its events call them."""

from types import SimpleNamespace

from pdm.editing.edits import apply

HERE = SimpleNamespace(session_hash="visitor")


def handlers(blocks) -> dict[str, list]:
    """The page's events by the names of their handlers."""
    found: dict[str, list] = {}
    for event in blocks.fns.values():
        found.setdefault(event.name, []).append(event)
    return found


def plain(handler):
    """What a handler does once it is its turn."""
    return getattr(handler, "__wrapped__", handler)


def edited(guided, operation, **arguments):
    return apply(guided.base, operation, arguments, guided.edit_context)[0]


def changed(page, guided, sets, operation, star=None, **arguments):
    """What the page shows after an edit, and the visitor's sets after it."""
    editing = plain(handlers(page[0])["on_drag"][0].fn).__self__
    views = editing._done(sets, sets.shown_set(guided), star, operation, arguments)
    return views, views[page[1].visit.sets]


def previewed(page, guided, sets, star) -> list[dict]:
    return list(plain(handlers(page[0])["on_preview"][0].fn)(sets, guided.name, star, 0, HERE))
