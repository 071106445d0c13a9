"""What the C library and oneDNN keep of memory that nobody uses: little, in a server that runs for days."""

from __future__ import annotations

import ctypes
import os

M_ARENA_MAX = -8  # of glibc's malloc.h
ARENAS = 2  # heaps that glibc keeps; by default eight a core, each as large as what its threads held at their busiest
KERNELS = {  # how many are kept: one for each shape that went through a net, which takes half a megabyte
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "200",  # by oneDNN itself, which keeps 1,024 otherwise
    "LRU_CACHE_CAPACITY": "100",  # by what torch has around it, for products of matrices; again 1,024
}


def keep_little() -> None:
    """Before torch is imported and threads are started; does nothing where the C library is another one."""
    for name, kept in KERNELS.items():
        os.environ.setdefault(name, kept)
    if "MALLOC_ARENA_MAX" not in os.environ:
        _ask("mallopt", M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Return to the system what was freed: glibc keeps it, where something above it in a heap is still in use."""
    _ask("malloc_trim", 0)


def _ask(name: str, *arguments: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None) if os.name == "posix" else None
    if function is not None:
        function(*arguments)
