"""Both pipelines, one after the other, for what they have in common."""

import pytest


@pytest.fixture(params=["pdm", "rdm"])
def pipeline(request):
    return request.getfixturevalue(f"{request.param}_pipeline")
