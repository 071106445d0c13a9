"""How far a training run is: images, losses, and what the loss was at which noise level."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from pdm.config import TrainConfig

LOSS_EVERY = 50  # steps a line in the log averages over
NOISE_EDGES = (0.05, 0.2, 0.8, 3.0)  # noise levels between which losses are averaged


@dataclass
class Progress:
    """How far a run is; part of the checkpoint.

    Losses stay on the device until a line of the log is full: reading one makes the host wait for the device.
    """

    images_seen: int = 0
    steps: int = 0
    minutes: float = 0.0
    losses: list[list[float]] = field(default_factory=list)  # [images_seen, mean loss] every LOSS_EVERY steps
    pending: list[float | torch.Tensor] = field(default_factory=list)
    data_seen: list[dict] = field(default_factory=list)  # data sets, and from how many images seen on

    def add(self, loss: torch.Tensor, batch: int) -> None:
        self.steps += 1
        self.images_seen += batch
        self.pending.append(loss)
        if len(self.pending) == LOSS_EVERY:
            self.losses.append([self.images_seen, sum(self._read()) / LOSS_EVERY])
            self.pending = []

    def learn_from(self, data_set: str, data_hash: str, images: int) -> None:
        """From here on the run learns from this data set."""
        if not self.data_seen or self.data_seen[-1]["data_hash"] != data_hash:
            about = {"data_set": data_set, "data_hash": data_hash, "images": images}
            self.data_seen = [*self.data_seen, {**about, "from_images_seen": self.images_seen}]

    def _read(self) -> list[float]:
        read = [float(loss) for loss in self.pending]
        self.pending = [*read]
        return read

    def state_dict(self) -> dict:
        values = [self.images_seen, self.steps, self.minutes]
        return {"values": values, "losses": self.losses, "pending": self._read(), "data_seen": self.data_seen}

    def load_state_dict(self, state: dict) -> None:
        self.images_seen, self.steps, self.minutes = state["values"]
        self.losses, self.pending = state["losses"], state["pending"]
        self.data_seen = state.get("data_seen", [])  # none in a run of an earlier version


class NoiseLosses:
    """Mean losses by noise level, in the bins that NOISE_EDGES cut, since the last `take`."""

    def __init__(self, device: torch.device):
        self.edges = torch.tensor(NOISE_EDGES, device=device)
        self.sums = torch.zeros(2, len(NOISE_EDGES) + 1, device=device)  # of losses, and how many

    def add(self, sigma: torch.Tensor, losses: torch.Tensor) -> None:
        """losses (B,) of images at noise levels sigma (B,)."""
        values = torch.stack([losses.float(), torch.ones_like(losses, dtype=torch.float32)])
        self.sums.index_add_(1, torch.bucketize(sigma.float().contiguous(), self.edges), values)

    def take(self) -> dict[str, float]:
        """`means`, and a fresh start."""
        means = self.means()
        self.sums.zero_()
        return means

    def means(self) -> dict[str, float]:
        """{"sigma < 0.05": mean loss, ...} of the bins that saw any; waits for the device."""
        sums, counts = self.sums.tolist()
        names = [f"sigma < {edge:g}" for edge in NOISE_EDGES] + [f"sigma > {NOISE_EDGES[-1]:g}"]
        return {name: s / n for name, s, n in zip(names, sums, counts, strict=True) if n}


def learning_rate(config: TrainConfig, images_seen: int, finishing: float | None = None) -> float:
    """Linear warm-up, constant, linear decay to zero over the last part of the run.

    That part is the last `decay_fraction` of the images; or, where the end is a matter of time, the whole of the last
    of a chain of runs, of which the share `finishing` is over.
    """
    o = config.optim
    warm = min(1.0, (images_seen + o.batch_size) / o.warmup_images) if o.warmup_images else 1.0
    left = (o.images - images_seen) / (o.images * o.decay_fraction) if o.decay_fraction else 1.0
    left = left if finishing is None else 1.0 - finishing
    return o.learning_rate * min(warm, max(left, 0.0), 1.0)
