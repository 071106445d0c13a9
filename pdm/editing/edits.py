"""Edits by name, with arguments as JSON has them: what the page and an API ask for, and what was done in a sentence.

The functions are those of `pdm.editing.operations`, and can be imported from here too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from pdm.editing.names import checked_tags
from pdm.editing.operations import (
    BLENDED,
    add,
    add_tags,
    analogy,
    blend,
    duplicate,
    merge,
    move,
    mute,
    own_features,
    point_vector,
    remove,
    rename,
    reset,
    scale,
    solo,
    split,
    tag,
)
from pdm.editing.prototype_set import PrototypeSet
from pdm.support.checks import expect, is_number, is_whole

PLACES = ("point", "images", "vector")  # of which a new vector is made


@dataclass(frozen=True, eq=False)
class EditContext:
    """What edits may refer to: the model's own prototypes, and its map's places `xy` (N, 2) and `features` (N, D)."""

    base: PrototypeSet
    xy: torch.Tensor
    features: torch.Tensor


Result = tuple[PrototypeSet, str]


@dataclass(frozen=True)
class Operation:
    """An edit and the names of its arguments; all of `required` must be given."""

    run: Callable[[PrototypeSet, dict, EditContext], Result]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


def apply(current: PrototypeSet, operation: str, arguments: dict, context: EditContext) -> Result:
    """The edited set and what was done, such as "moved Sandal 3 towards Boot 1".

    `arguments` are those of the function of that name; `move` and `add` take one of `point` ([x, y] on the map),
    `images` (rows of the map) and `vector`; `tag` may take `ids` in place of `id`, to add tags to several. Raises
    ValueError that names the field, and then nothing has changed.
    """
    assert current.model_hash == context.base.model_hash
    known = isinstance(operation, str) and operation in OPERATIONS
    expect("operation", operation, f"one of {', '.join(OPERATIONS)}", known)
    expect("arguments", arguments, "a JSON object", isinstance(arguments, dict))
    wanted = OPERATIONS[operation]
    names = (*wanted.required, *wanted.optional)
    for name in arguments:
        expect("arguments", name, f"only {', '.join(names)} for {operation}", name in names)
    for name in wanted.required:
        if name not in arguments:
            raise ValueError(f"{name}: expected one to {operation}, got none")
    return wanted.run(current, arguments, context)


def _move(current: PrototypeSet, given: dict, context: EditContext) -> Result:
    name = current.get(given["id"]).name
    result = move(current, given["id"], _vector(current, given, context))
    distances = result.distances(result.vectors([given["id"]]))[0].tolist()
    others = sorted((d, p.name) for d, p in zip(distances, result.prototypes, strict=True) if p.id != given["id"])
    return result, f"moved {name} towards {others[0][1]}" if others else f"moved {name}"


def _blend(current: PrototypeSet, given: dict, context: EditContext) -> Result:
    strength = given.get("strength", BLENDED)
    result = blend(current, given["a"], given["b"], given["t"], given.get("name"), strength)
    return result, f"blended {_listed(current, [given['a'], given['b']])} into {_newest(result)}"


def _analogy(current: PrototypeSet, given: dict, context: EditContext) -> Result:
    result = analogy(current, given["a"], given["b"], given["c"], given.get("name"))
    a, b, c = (current.get(given[k]).name for k in "abc")
    return result, f"added {_newest(result)}, which is {a} - {b} + {c}"


def _merge(current: PrototypeSet, given: dict, context: EditContext) -> Result:
    result = merge(current, given["ids"])
    names = _listed(current, given["ids"])
    return result, f"merged {names} into {names if result is current else _newest(result)}"


def _split(current: PrototypeSet, given: dict, context: EditContext) -> Result:
    parent = current.get(given["id"])
    own = own_features(current, parent.id, context.features)
    return split(current, parent.id, given["n"], own), f"split {parent.name} into {given['n']}"


def _add(current: PrototypeSet, given: dict, context: EditContext) -> Result:
    result = add(current, _vector(current, given, context), given.get("name"))
    return result, f"added {_newest(result)}"


def _duplicate(current: PrototypeSet, given: dict, context: EditContext) -> Result:
    result = duplicate(current, given["id"])
    return result, f"duplicated {current.get(given['id']).name} as {_newest(result)}"


def _remove(current: PrototypeSet, given: dict, context: EditContext) -> Result:
    return remove(current, given["ids"]), f"removed {_listed(current, given['ids'])}"


def _mute(current: PrototypeSet, given: dict, context: EditContext) -> Result:
    muted = given.get("muted", True)
    result = mute(current, given["ids"], muted)
    return result, f"{'muted' if muted else 'unmuted'} {_listed(current, given['ids'])}"


def _solo(current: PrototypeSet, given: dict, context: EditContext) -> Result:
    result = solo(current, given["ids"])
    return result, f"muted all but {_listed(current, given['ids'])}"


def _rename(current: PrototypeSet, given: dict, context: EditContext) -> Result:
    result = rename(current, given["id"], given["name"])
    return result, f"renamed {current.get(given['id']).name} to {result.get(given['id']).name}"


def _tag(current: PrototypeSet, given: dict, context: EditContext) -> Result:
    if ("id" in given) == ("ids" in given):
        raise ValueError("id: expected one to tag, or ids of several, got " + ("both" if "id" in given else "none"))
    if "ids" in given:
        several = add_tags(current, given["ids"], given["tags"])
        return several, f"tagged {_listed(current, given['ids'])} with {', '.join(checked_tags(given['tags']))}"
    result = tag(current, given["id"], given["tags"])
    p = result.get(given["id"])
    return result, f"tagged {p.name} with {', '.join(p.tags)}" if p.tags else f"took the tags off {p.name}"


def _scale(current: PrototypeSet, given: dict, context: EditContext) -> Result:
    result = scale(current, given["id"], given["value"])
    return result, f"set the scale of {current.get(given['id']).name} to {given['value']:g}"


def _reset(current: PrototypeSet, given: dict, context: EditContext) -> Result:
    ids = given.get("ids")
    result = reset(current, context.base, ids)
    return result, "reset everything" if ids is None else f"reset {_listed(result, ids)}"


OPERATIONS: dict[str, Operation] = {
    "move": Operation(_move, ("id",), PLACES),
    "blend": Operation(_blend, ("a", "b", "t"), ("name", "strength")),
    "analogy": Operation(_analogy, ("a", "b", "c"), ("name",)),
    "merge": Operation(_merge, ("ids",)),
    "split": Operation(_split, ("id", "n")),
    "add": Operation(_add, (), (*PLACES, "name")),
    "duplicate": Operation(_duplicate, ("id",)),
    "remove": Operation(_remove, ("ids",)),
    "mute": Operation(_mute, ("ids",), ("muted",)),
    "solo": Operation(_solo, ("ids",)),
    "rename": Operation(_rename, ("id", "name")),
    "tag": Operation(_tag, ("tags",), ("id", "ids")),
    "scale": Operation(_scale, ("id", "value")),
    "reset": Operation(_reset, (), ("ids",)),
}


def _vector(current: PrototypeSet, given: dict, context: EditContext) -> torch.Tensor:
    """The vector (D,) that `point`, `images` or `vector` means."""
    places = [k for k in PLACES if k in given]
    if len(places) != 1:
        raise ValueError(f"vector: expected exactly one of {', '.join(PLACES)}, got {' and '.join(places) or 'none'}")
    if "point" in given:
        return point_vector(context.xy, context.features, given["point"])
    if "images" in given:
        rows, last = given["images"], len(context.features) - 1
        expect("images", rows, "a list of at least one row of the map", isinstance(rows, (list, tuple)) and rows != [])
        for row in rows:
            expect("images", row, f"whole numbers from 0 to {last}", is_whole(row, 0, last))
        return context.features[list(rows)].double().mean(0)
    numbers = given["vector"]
    expect("vector", numbers, f"{current.dim} numbers", isinstance(numbers, (list, tuple)))
    if len(numbers) != current.dim:
        raise ValueError(f"vector: expected {current.dim} numbers, got {len(numbers)}")
    for number in numbers:
        expect("vector", number, "finite numbers", is_number(number))
    return torch.tensor(numbers, dtype=torch.float64)


def _listed(current: PrototypeSet, ids: Sequence[int]) -> str:
    names = [current.get(k).name for k in ids]
    if len(names) > 3:
        return f"{len(names)} prototypes"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _newest(result: PrototypeSet) -> str:
    return result.prototypes[-1].name
