"""What is asked of the Generate tab, checked: a wrong value becomes the message that the visitor sees."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import gradio as gr

from pdm.app.gate import price
from pdm.app.requests import Request, resolved
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.numbers import as_whole, tuned_steps
from pdm.ui.shared.session import Batch, BatchHistory, Picks


@dataclass(frozen=True)
class Arrival:
    """A resolved request of a model to be painted without a click, and which of its pictures is looked at.

    `place` is that of the batch, kept in part, that it makes again. Each arrival is another one, by its `token`.
    """

    model: str
    request: Request
    index: int = 0
    place: int = -1
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    @classmethod
    def of_shown(cls, made: BatchHistory) -> Arrival | None:
        """For a batch of which the browser kept a part; None for a whole one."""
        batch = made.batch
        return None if batch is None or batch.whole else cls(batch.model, batch.request, place=made.shown)


def request_of(studio: Studio, picks: Picks, count, steps, guidance, sampler, seed, prototype_set) -> Request:
    """The page's controls as a resolved request. Raises gr.Error."""
    try:
        request = Request(
            "pdm",
            picks.ids,
            picks.weights,
            count=as_whole(count),
            seed=as_whole(seed),
            steps=tuned_steps(sampler, as_whole(steps)),
            guidance=guidance,
            sampler=sampler,
            prototype_set=prototype_set,
        )
        return resolved(studio, request)
    except ValueError as error:
        raise gr.Error(str(error), title="That can't be generated", print_exception=False) from error


def check_model(batch: Batch | None, model: str) -> Batch:
    """The batch, if this model made it: its prototypes mean nothing to another one. Raises gr.Error."""
    if batch is None or batch.model != model:
        raise gr.Error("This picture was made with another model. Choose that model first.", print_exception=False)
    return batch


def shown_batch(made: BatchHistory) -> Batch:
    """The batch that is shown. Raises gr.Error where there is none."""
    if made.batch is None:
        raise gr.Error("Paint some pictures first.", print_exception=False)
    return made.batch


def heard(shown_set: ShownSet, value: object) -> int:
    """An id of the set that pictures may be made from. Raises gr.Error."""
    k = or_gr_error(shown_set.check, [value])[0]
    if k not in shown_set.prototypes.active:
        said = f"{shown_set.names[k]} is muted. Unmute it on the Prototypes tab to use it."
        raise gr.Error(said, print_exception=False)
    return k


def mix_in(shown_set: ShownSet, event: gr.EventData) -> Picks:
    """The mix that an event of the mixer tells. Raises gr.Error for one that cannot be painted."""
    ids, weights = [heard(shown_set, k) for k in event.ids], [float(w) for w in event.weights]
    if len(ids) != len(weights) or len(set(ids)) != len(ids) or not all(0 <= w <= 1 for w in weights):
        raise gr.Error("weights: expected one from 0 to 1 for each prototype")
    return Picks(tuple(ids), tuple(weights))


def price_of(picks, sets, made, model, pressed, count, steps, guidance, *rest) -> float:
    return price(count, steps, guidance)


def price_again(made: BatchHistory, *rest) -> float:
    request = made.batch.request if made.batch else Request()
    return price(request.count, request.steps, request.guidance)


def price_arriving(arrival: Arrival | None, *rest) -> float:
    request = arrival.request if arrival else Request(count=1, steps=1)
    return price(request.count, request.steps, request.guidance)
