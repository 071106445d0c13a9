"""Sketches, which follow the hand: the student's where a model has one, else the denoiser's in a few steps."""

from __future__ import annotations

from dataclasses import replace

from pdm.app.gate import price
from pdm.app.requests import AUTO, Request
from pdm.app.studio import Studio
from pdm.sampling.student import STUDENT

LIVE, RESTING = 1, 2  # steps of the student, while the hand moves and once it rests
FEW = 4  # of the denoiser, without guidance: shapes and colours are there, edges are not


def sketched(studio: Studio, request: Request, *, live: bool = False) -> Request:
    """The request as a sketch; `live`: while the hand moves."""
    if studio.pdm.student is not None:
        return replace(request, steps=LIVE if live else RESTING, sampler=STUDENT)
    return replace(request, steps=FEW, sampler=AUTO, guidance=1.0)


def sketch_price(studio: Studio | None, count: int, guidance: object = None, *, live: bool = False) -> float:
    """What so many sketches cost, see `price`; 1 for a model that is not loaded: nothing is loaded for a price."""
    if studio is None:
        return 1.0
    made = sketched(studio, Request(), live=live)
    return price(count, made.steps, guidance if made.guidance is None else made.guidance)
