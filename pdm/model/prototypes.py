"""Prototypes: the bank (f_phi, K vectors, how often each is used) and the objectives that learn it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import register_to_config
from torch import nn

from pdm.config import PrototypeConfig
from pdm.model.assignments import AssignmentTable
from pdm.model.features import ConvEncoder, contrastive_loss, fitted, unit
from pdm.model.part import Part
from pdm.support.checks import shown


class PrototypeBank(Part):
    """K prototypes and the encoder that places images among them.

    `vectors` (K, D); `usage` (K,) share of training images per prototype, sums to 1; `class_counts` (K, C) class
    make-up; `table` rows of training assignments that sampling draws from.
    `spherical`: features and prototypes live on the unit sphere (the balanced objective).
    """

    usage: torch.Tensor
    class_counts: torch.Tensor

    @register_to_config
    def __init__(
        self,
        channels: int = 1,
        image_size: int = 32,
        count: int = 64,
        dim: int = 128,
        tokens: int = 8,
        weight_temperature: float = 0.25,
        spherical: bool = True,
        class_names: tuple[str, ...] = (),
        supervised: bool = False,
        width: int = 32,
        energies: bool = False,
    ):
        super().__init__()
        self.encoder = ConvEncoder(channels, dim, width, energies)
        vectors = torch.randn(count, dim)
        self.vectors = nn.Parameter(unit(vectors) if spherical else vectors * dim**-0.5)
        self.register_buffer("usage", torch.full((count,), 1.0 / count))
        self.register_buffer("class_counts", torch.zeros(count, max(1, len(class_names))))
        self.table = AssignmentTable(1 if supervised else min(tokens, count), count)

    @property
    def count(self) -> int:
        return len(self.vectors)

    @property
    def names(self) -> list[str]:
        """A name for each prototype: its majority class and a number, or a number where there are no labels."""
        classes = self.config.class_names
        if not classes or not self.class_counts.any():
            return [f"Prototype {k + 1}" for k in range(self.count)]
        seen: dict[str, int] = {}
        names = []
        for k in self.class_counts.argmax(1).tolist():
            seen[classes[k]] = seen.get(classes[k], 0) + 1
            names.append(f"{classes[k]} {seen[classes[k]]}")
        return names

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Images (B, C, H, W) in [-1, 1] -> features z (B, D)."""
        z = self.encoder(fitted(x, self.config.image_size))
        return unit(z) if self.config.spherical else z

    def distances(self, z: torch.Tensor) -> torch.Tensor:
        """Euclidean distances (B, K) of features to prototypes."""
        return torch.cdist(z, self.vectors)

    def mixture(self, z: torch.Tensor, tokens: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """The nearest prototypes of each feature: ids (B, M), nearest first, and weights (B, M) = softmax(-d / T)."""
        nearest = self.distances(z).topk(min(tokens or self.config.tokens, self.count), largest=False)
        return nearest.indices, torch.softmax(-nearest.values / self.config.weight_temperature, -1)

    @torch.no_grad()
    def renormalise(self) -> None:
        """Put the vectors back on the sphere after an optimiser step."""
        if self.config.spherical:
            self.vectors.copy_(unit(self.vectors))

    @torch.no_grad()
    def restart_dead(self, z: torch.Tensor, usage: torch.Tensor, generator: torch.Generator) -> int:
        """Move prototypes used less than a tenth of their fair share onto random features z; returns how many."""
        dead = (usage < 0.1 / self.count).nonzero()[:, 0]
        if len(dead):
            chosen = torch.randperm(len(z), generator=generator, device=generator.device)[: len(dead)]
            self.vectors[dead[: len(chosen)]] = z[chosen.to(z.device)].to(self.vectors.dtype)
            usage[dead] = 1.0 / self.count
        return len(dead)

    @torch.no_grad()
    def record(self, z: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> None:
        """Take usage, class make-up and the table of assignments from the features z (N, D) of a training set."""
        ids, weights = self.mixture(z)
        if self.config.supervised and (labels >= 0).all():
            ids, weights = labels[:, None].to(z.device), torch.ones(len(z), 1, device=z.device)
        counts = torch.bincount(ids[:, 0], minlength=self.count).float()
        self.usage.copy_(counts / counts.sum())
        self.class_counts.zero_()
        known = labels >= 0
        if known.any():
            where = (ids[known.to(ids.device), 0].cpu(), labels[known])
            self.class_counts.copy_(
                torch.zeros_like(self.class_counts.cpu()).index_put(where, torch.ones(len(where[0])), accumulate=True)
            )
        self.table.record(ids, weights, generator)

    @property
    def bytes_kept(self) -> int:
        """Bytes that stand where RDM has its memory: the prototypes and the table."""
        return self.vectors.nbytes + self.table.nbytes


def sinkhorn(scores: torch.Tensor, epsilon: float, iterations: int = 3) -> torch.Tensor:
    """Soft assignments (B, K) of scores, balanced so that every prototype gets B / K (Caron et al. 2020, SwAV).

    Rows sum to 1. Computed in the log domain: no overflow for small epsilon.
    """
    log_q = scores / epsilon
    batch, count = log_q.shape
    for _ in range(iterations):
        log_q = log_q - torch.logsumexp(log_q, 0, keepdim=True) + torch.log(torch.tensor(batch / count))
        log_q = log_q - torch.logsumexp(log_q, 1, keepdim=True)
    return log_q.exp()


def balanced_loss(
    z1: torch.Tensor, z2: torch.Tensor, vectors: torch.Tensor, *, epsilon: float, temperature: float
) -> torch.Tensor:
    """Swapped assignment: each view predicts the other's balanced target (Caron et al. 2020, Eq. 1-2)."""
    prototypes = unit(vectors)
    scores = [z @ prototypes.T for z in (z1, z2)]  # (B, K)
    with torch.no_grad():
        targets = [sinkhorn(s.float(), epsilon) for s in scores]
    log_p = [F.log_softmax(s.float() / temperature, -1) for s in scores]
    return -0.5 * ((targets[1] * log_p[0]).sum(-1).mean() + (targets[0] * log_p[1]).sum(-1).mean())


def paper_loss(
    z: torch.Tensor,
    vectors: torch.Tensor,
    *,
    tau: float = 1.0,
    alpha: float = 1.0,
    beta: float = 1.0,
    labels: torch.Tensor | None = None,
) -> torch.Tensor:
    """The published prototype loss: CE(-tau d(z, P), argmin d) + alpha MSE(z, p*) + beta sum((cos(P, P) - I)^2).

    With `labels` (s-PDM) the target is the class and the last term is dropped.
    """
    d = torch.cdist(z, vectors)  # (B, K)
    target = d.argmin(-1) if labels is None else labels
    loss = F.cross_entropy(-tau * d, target) + alpha * F.mse_loss(z, vectors[target])
    if labels is None:
        cosine = unit(vectors) @ unit(vectors).T
        loss = loss + beta * (cosine - torch.eye(len(vectors), device=vectors.device)).square().sum()
    return loss


def supervised_loss(
    z1: torch.Tensor, z2: torch.Tensor, vectors: torch.Tensor, labels: torch.Tensor, *, temperature: float
) -> torch.Tensor:
    """s-PDM with the default objective: both views are assigned to the prototype of their class."""
    scores = torch.cat([z1, z2]) @ unit(vectors).T / temperature
    return F.cross_entropy(scores.float(), labels.repeat(2))


def prototype_loss(
    config: PrototypeConfig,
    vectors: torch.Tensor,
    z: torch.Tensor,
    z_other: torch.Tensor,
    labels: torch.Tensor | None,
) -> torch.Tensor:
    """The configured objective for features of two views (the paper's uses the first only)."""
    if config.supervised and labels is None:
        raise ValueError("s-PDM needs class labels, and this data set has none")
    labels = labels if config.supervised else None
    if config.objective == "paper":
        return paper_loss(z, vectors, tau=config.tau, alpha=config.alpha, beta=config.beta, labels=labels)
    if config.objective != "balanced":
        raise ValueError(f"objective: expected 'balanced' or 'paper', got {shown(config.objective)}")
    if labels is not None:
        return supervised_loss(z, z_other, vectors, labels, temperature=config.score_temperature)
    loss = balanced_loss(z, z_other, vectors, epsilon=config.sinkhorn_epsilon, temperature=config.score_temperature)
    if config.instance:
        loss = loss + config.instance * contrastive_loss(z.float(), z_other.float())
    return loss
