"""Values of options: parsers of their text; argparse prints the error of one that fails."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable


def at_least(low: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < low:
            raise ArgumentTypeError(f"expected a whole number of at least {low}, got {text!r}")
        return value

    return parse


def seed(text: str) -> int:
    value = at_least(0)(text)
    if value >= 2**62:  # picture i takes seed + i, and a recipe holds what fits 63 bits
        raise ArgumentTypeError(f"expected a whole number from 0 to 2^62 - 1, got {text!r}")
    return value


def positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return value


def share(text: str) -> float:
    value = positive(text)
    if value > 1:
        raise ArgumentTypeError(f"expected a share above 0 and at most 1, got {text!r}")
    return value


def guidance_scale(text: str) -> float | None:
    """None for the model's own. What a scale may be, `pdm.pipelines.checks` says."""
    try:
        return None if text == "own" else float(text)
    except ValueError as error:
        raise ArgumentTypeError(f"expected a number or own, got {text!r}") from error


def interval(text: str) -> tuple[float, float]:
    values = numbers(float)(text)
    if len(values) != 2:
        raise ArgumentTypeError(f"expected two numbers with a comma between, got {text!r}")
    return values[0], values[1]


def numbers(kind: type) -> Callable[[str], list]:
    def parse(text: str) -> list:
        try:
            return [kind(part) for part in text.split(",")]
        except ValueError as error:
            what = "whole numbers" if kind is int else "numbers"
            raise ArgumentTypeError(f"expected {what} with commas between, got {text!r}") from error

    return parse
