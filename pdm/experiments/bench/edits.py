"""The benchmark's section on editing: do pictures obey an edit, is all else left as it was, what does it cost?"""

from __future__ import annotations

import gc
import statistics
from typing import Any

import torch
from scipy.stats import spearmanr

from pdm.app.studio import Studio, ready
from pdm.editing.edits import EditContext, apply
from pdm.editing.history import EditHistory
from pdm.editing.prototype_set import PrototypeSet
from pdm.evaluation.drawing import seeded
from pdm.experiments.bench.bench import Bench, Numbers
from pdm.experiments.bench.browser import preview
from pdm.map.projection import load_map
from pdm.metrics.fidelity import prototype_fidelity
from pdm.model.encoders import embed_all
from pdm.model.features import unit
from pdm.support.timing import timed

NEAREST = 5  # an edit is obeyed where f_phi ranks its prototype among so many of the edited set
FILM = 7
PICTURES = 8  # of each edit, and of each step of a film
WARM_UP = 20  # edits before memory is measured


def edits(bench: Bench) -> tuple[Numbers, dict]:
    """Pictures from moved, added, merged and blended prototypes; the way between two; prototypes left alone; costs."""
    pipeline, n = bench.pdm, bench.pick(24, 1)
    bank = pipeline.bank
    studio = Studio(bench.assets.name, pipeline, None, ready(load_map(bench.assets / "map")))
    base, places, context = studio.base, studio.map, studio.edit_context
    generator = torch.Generator().manual_seed(0)
    draw = lambda high, count: torch.randperm(high, generator=generator)[:count].tolist()  # noqa: E731
    points = [places.xy[i].tolist() for i in draw(len(places), 2 * n)]
    stars = draw(bank.count, n)
    pairs = [draw(bank.count, 2) for _ in range(n)]
    near = base.distances(unit(base.vectors())).argsort(1)[:, :3]
    kinds: dict[str, list[tuple[str, dict]]] = {
        "moved": [("move", {"id": k, "point": p}) for k, p in zip(stars, points, strict=False)],
        "added": [("add", {"point": p}) for p in points[n:]],
        "merged": [("merge", {"ids": near[k].tolist()}) for k in stars],
        "blended": [("blend", {"a": a, "b": b, "t": 0.5}) for a, b in pairs],
    }
    numbers: Numbers = {}
    for kind, asked in kinds.items():
        shares = [_obeyed(bench, *_edited(base, operation, given, context)) for operation, given in asked]
        numbers[f"edits.efficacy.{kind}"] = statistics.mean(shares)
    numbers["edits.efficacy.chance"] = NEAREST / bank.count
    blends = [draw(bank.count, 2) for _ in range(bench.pick(50, 1))]
    numbers["edits.blend_rho"] = statistics.mean(_film_rho(bench, base, context, a, b) for a, b in blends)
    numbers["edits.locality"] = _locality(bench, base, context, stars[0], points[0])
    operation = timed(lambda: apply(base, "move", {"id": 0, "point": points[0]}, context), bench.device, repeats=50)
    numbers["edits.op_ms"] = 1000 * operation.median
    session = bench.pick(10_000, 20)
    numbers["edits.mb_per_1000"] = _growth(studio, session) / 1e6 / session * 1000
    settings = {"edits_of_a_kind": n, "pictures_each": PICTURES, "pairs": len(blends), "steps": 10, "nearest": NEAREST}
    previews, measured = preview(bench)
    return numbers | previews, settings | {"edits_of_a_session": session, "preview": measured}


def _growth(studio: Studio, count: int) -> int:
    """How many bytes the process grows by while a visitor makes that many edits, each shown on the map."""
    import psutil

    process, generator = psutil.Process(), torch.Generator().manual_seed(1)
    history, before = EditHistory.start(studio.base), 0
    for i in range(WARM_UP + count):
        if i == WARM_UP:
            gc.collect()
            before = process.memory_info().rss
        prototypes, what = apply(history.now, *_next_edit(studio, history, i, generator), studio.edit_context)
        history = history.do(what, prototypes)
        shown_set = studio.shown_set(history.now)
        for shown in ("colours", "xy", "nearest"):  # worked out and kept, as when the page shows the set
            getattr(shown_set, shown)
    assert len(history.steps) == WARM_UP + count + 1
    gc.collect()
    return process.memory_info().rss - before


def _next_edit(studio: Studio, history: EditHistory, i: int, generator: torch.Generator) -> tuple[str, dict]:
    """The i-th of a session: vectors, names and strengths change, and what is added is removed again."""
    draw = lambda high: int(torch.randint(high, (1,), generator=generator))  # noqa: E731
    star, other = draw(studio.count), draw(studio.count)
    return (
        ("move", {"id": star, "point": studio.map.xy[draw(len(studio.map))].tolist()}),
        ("rename", {"id": star, "name": f"Name {i}"}),
        ("blend", {"a": star, "b": other, "t": 0.3}),
        ("remove", {"ids": [history.now.ids[-1]]}),
        ("scale", {"id": star, "value": 0.5 + i / 10_000}),
    )[i % 5]


def _edited(base: PrototypeSet, operation: str, given: dict, context: EditContext) -> tuple[PrototypeSet, int]:
    """The set after an edit, and the id of the prototype it made or changed."""
    edited, _ = apply(base, operation, given, context)
    return edited, given["id"] if operation == "move" else edited.ids[-1]


def _obeyed(bench: Bench, edited: PrototypeSet, star: int, count: int = PICTURES) -> float:
    """The share of a prototype's pictures that f_phi ranks among its nearest of the edited set."""
    z = _features(bench, edited, star, count)
    vectors = unit(edited.vectors()) if edited.spherical else edited.vectors()
    place = torch.full((len(z),), edited.ids.index(star))
    return prototype_fidelity(z, vectors, place, min(NEAREST, len(vectors)))


def _features(bench: Bench, edited: PrototypeSet, star: int, count: int) -> torch.Tensor:
    return embed_all(bench.pdm.bank.encode, _pictures(bench, edited, star, count))


def _pictures(bench: Bench, edited: PrototypeSet, star: int, count: int) -> torch.Tensor:
    images = bench.pdm(
        prototypes=[star],
        prototype_set=edited,
        num_images=count,
        generator=seeded(1, count),
        num_inference_steps=bench.pick(10, 2),
        output_type="pt",
    ).images
    assert isinstance(images, torch.Tensor)
    return images


def _film_rho(bench: Bench, base: PrototypeSet, context: EditContext, a: int, b: int) -> float:
    """Along a blend: how steadily pictures leave A and near B (Spearman's rho, the mean of both)."""
    ends = base.vectors([a, b])
    steps = torch.linspace(0, 1, FILM).tolist()
    to_ends = []
    for t in steps:
        edited, star = _edited(base, "blend", {"a": a, "b": b, "t": t}, context)
        to_ends.append(torch.cdist(_features(bench, edited, star, PICTURES), ends).mean(0))
    distances = torch.stack(to_ends)  # (FILM, 2)
    return (_rho(steps, distances[:, 0]) - _rho(steps, distances[:, 1])) / 2


def _rho(x: list[float], y: torch.Tensor) -> float:
    """Spearman's rank correlation."""
    found: Any = spearmanr(x, y)
    return float(found.statistic)


def _locality(bench: Bench, base: PrototypeSet, context: EditContext, star: int, point: list[float]) -> float:
    """The share of other prototypes whose pictures are bit-equal before and after one is moved."""
    edited, _ = apply(base, "move", {"id": star, "point": point}, context)
    others = [k for k in base.ids if k != star][: bench.pick(12, 2)]
    equal = [torch.equal(_pictures(bench, base, k, 2), _pictures(bench, edited, k, 2)) for k in others]
    return sum(equal) / len(equal)
