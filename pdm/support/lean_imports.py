"""Importing diffusers and Gradio without the parts that painting pictures on a page never touches.

More than half of the time of both imports goes into those parts. Everything here is for the app alone: who trains, or
reads a text with CLIP in the same process, imports diffusers as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module, metadata
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, cast

# What diffusers does without where it is not installed: other people's text encoders, their adapters and quantised
# weights, one noise schedule. `torch._dynamo` is what `torch.compile` needs; the app compiles nothing.
LEFT_OUT = ("torch._dynamo", "transformers", "scipy", "peft")
NEEDED = ("DiffusionPipeline", "UNet2DConditionModel", "DPMSolverMultistepScheduler")  # these bring everything we use
STUBS = "gradio.component_meta"  # writes a .pyi file beside each component's module, for editors of code


def import_diffusers() -> None:
    """Import diffusers as if the packages of `LEFT_OUT` were not there; they can be imported afterwards.

    Does nothing where diffusers is imported already, and imports it as it is where its version can't be had so.
    """
    if "diffusers" in sys.modules:
        return
    try:
        with _left_out():
            _ask_no_compiler()
            _import_needed()
    except (ImportError, RuntimeError, AttributeError):  # diffusers wraps what goes wrong in a RuntimeError
        for name in [n for n in sys.modules if n.partition(".")[0] in ("diffusers", "accelerate")]:
            del sys.modules[name]  # some are half imported
        _import_needed()


def _ask_no_compiler() -> None:
    """Let diffusers know without the compiler that a module is not compiled: nothing can be before that is imported."""
    tools: Any = import_module("diffusers.utils.torch_utils")
    ask = tools.is_compiled_module
    _replace(tools, "is_compiled_module", lambda module: "torch._dynamo" in sys.modules and ask(module))


def _import_needed() -> None:
    diffusers = import_module("diffusers")
    for name in NEEDED:
        getattr(diffusers, name)


@contextmanager
def _left_out() -> Iterator[None]:
    """`LEFT_OUT` hidden from imports; no list of all that is installed, and nothing kept from a compiler.

    diffusers makes that list to name some packages' versions, and `torch.compiler.disable` would import the compiler.
    """
    import torch

    hidden = [name for name in LEFT_OUT if name not in sys.modules]
    disable, listed = torch.compiler.disable, metadata.packages_distributions
    for name in hidden:
        sys.modules[name] = cast("ModuleType", None)  # which stands for a module that can't be imported
    _replace(torch.compiler, "disable", _as_it_is)
    _replace(metadata, "packages_distributions", dict)
    try:
        yield
    finally:
        _replace(torch.compiler, "disable", disable)
        _replace(metadata, "packages_distributions", listed)
        for name in hidden:
            del sys.modules[name]


def _replace(module: ModuleType, name: str, value: Any) -> None:
    setattr(module, name, value)


def _as_it_is(fn: Callable | None = None, *args: Any, **kwargs: Any) -> Any:
    """The decorator `torch.compiler.disable`, with or without arguments, where nothing is compiled."""
    return fn if fn is not None else _as_it_is


def import_gradio() -> None:
    """Import Gradio without the .pyi files that it writes for each component at every start; ours need none either."""
    if "gradio" in sys.modules:
        return
    finder = _WithoutStubs()
    sys.meta_path.insert(0, finder)
    try:
        import_module("gradio")
    finally:
        sys.meta_path.remove(finder)


class _WithoutStubs(MetaPathFinder):
    """Finds the module that writes the stubs, and no other one."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != STUBS:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Silent(spec.loader)
        return spec


class _Silent(Loader):
    """Loads a module as `loader` does, then takes its writing of stubs away."""

    def __init__(self, loader: Loader):
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        if hasattr(module, "create_or_modify_pyi"):
            _replace(module, "create_or_modify_pyi", lambda *args: None)
