"""A studio that paints alone, and one whose shared calls a test makes."""

import pytest

from tests.app.held import Held, with_paper


@pytest.fixture
def alone(studio):
    """The same model, which paints for nobody else meanwhile."""
    return with_paper(studio)


@pytest.fixture
def own(studio, monkeypatch):
    """One that paints for this test alone, begins when it is told to, and waits for nobody who takes his steps."""
    monkeypatch.setattr("pdm.app.together.AHEAD", 100)
    own = with_paper(studio)
    return own, Held(own.together, monkeypatch)
