"""What processes that train or evaluate are forked with."""

from importlib import import_module

from pdm.support.lean_imports import import_diffusers

import_diffusers()
NAMES = ("pdm.evaluation.evaluate", "pdm.training.train", "pdm.training.tune", "pdm.making.steps", "tests.tiny_new")
for name in NAMES:
    import_module(name)
