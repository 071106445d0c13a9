"""What the C library and oneDNN keep of memory that nobody uses: little, in a server that runs for days."""

from __future__ import annotations

import ctypes
import os

M_ARENA_MAX = -8  # of glibc's malloc.h
ARENAS = 2  # heaps that glibc keeps; by default eight a core, each as large as what its threads held at their busiest
KERNELS = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"  # one for each shape that went through a net, 1,024 by default
SHAPES = "400"


def keep_little() -> None:
    """Before torch is imported and threads are started; does nothing where the C library is another one."""
    os.environ.setdefault(KERNELS, SHAPES)
    if "MALLOC_ARENA_MAX" not in os.environ:
        _ask("mallopt", M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Return to the system what was freed: glibc keeps it, where something above it in a heap is still in use."""
    _ask("malloc_trim", 0)


def _ask(name: str, *arguments: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None) if os.name == "posix" else None
    if function is not None:
        function(*arguments)
