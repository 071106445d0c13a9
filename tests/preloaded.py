"""What processes that train or evaluate together are forked with."""

from importlib import import_module

from pdm.support.lean_imports import import_diffusers

import_diffusers()
for name in ("pdm.evaluation.evaluate", "pdm.training.train", "pdm.training.tune", "tests.tiny"):
    import_module(name)
