"""The benchmark's section on memory: what each method has to keep."""

from __future__ import annotations

from pdm.experiments.bench.bench import Bench, Numbers


def memory(bench: Bench) -> tuple[Numbers, dict]:
    """Bytes each method must keep besides its denoiser and its encoder."""
    bank, store = bench.pdm.bank, bench.rdm.memory
    pdm = bank.bytes_kept
    numbers: Numbers = {
        "memory.pdm_bytes": pdm,
        "memory.rdm_bytes": store.bytes_on_disk(),
        "memory.rdm_over_pdm": store.bytes_on_disk() / pdm,
        "memory.pdm_ram_bytes": pdm,
        "memory.rdm_ram_bytes": store.bytes_in_ram(),
    }
    return numbers, {"prototypes": bank.count, "memory_entries": len(store), "dim": store.embeddings.shape[1]}
