"""Every choice a training run makes, as frozen dataclasses, and the presets as a table one can read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import ClassVar

from pdm.nets import NETS, NetConfig
from pdm.support.checks import shown

# Without guidance pictures are as varied as the data and cost one network call a step instead of two.
DEFAULT_GUIDANCE = 1.0
DEFAULT_STEPS = 10
OPTIMIZERS = ("adamw", "muon")  # Muon for the matrices inside a net, AdamW for the rest of it: `training.optimizer`


@dataclass(frozen=True)
class PrototypeConfig:
    """How prototypes are learned and turned into tokens (symbols as in the paper where it has them)."""

    objective: str = "balanced"  # "balanced": swapped Sinkhorn targets; "paper": Eq. (4), PDM
    supervised: bool = False  # s-PDM: the prototype of the class label
    count: int = 64  # K
    dim: int = 128  # D
    tokens: int = 8  # M nearest prototypes a picture is conditioned on
    weight_temperature: float = 0.25  # T in w = softmax(-d / T)
    nearest_only: float = 0.15  # share of training rows that see only the nearest prototype
    blended: float = 0.25  # share that see one token, a vector between the image's own feature and some prototype
    instance: float = 0.5  # balanced: weight of telling images apart; keeps what the clusters alone would forget
    width: int = 32  # of f_phi's first stage
    energies: bool = False  # f_phi also tells textures by how strongly its first filters answer
    views: str = "moves"  # balanced: how two views of an image differ, one of `augment.VIEWS`
    warmup_steps: int = 400  # steps of the prototypes alone, before the denoiser starts
    settle_steps: int = 0  # the last of them, at a rate that falls to zero; what a start's prototypes learn on for
    warmup_batch: int = 512
    learning_rate: float = 1e-3
    frozen_from: float = 0.1  # share of the run after which prototypes no longer move
    score_temperature: float = 0.1  # balanced: softmax over scores
    sinkhorn_epsilon: float = 0.05  # balanced: entropy of the targets
    tau: float = 1.0  # paper: sharpness of the assignment
    alpha: float = 1.0  # paper: compactness
    beta: float = 1.0  # paper: separation


@dataclass(frozen=True)
class MemoryConfig:
    """RDM's memory (Blattmann et al. 2022): k neighbours, pseudo-queries from the top m of the bank."""

    entries: int = 10_000
    neighbours: int = 4  # k
    top_m: float = 0.01
    encoder_steps: int = 1500
    encoder_batch: int = 512
    encoder_dim: int = 128
    encoder_width: int = 32
    views: str = "moves"  # the own encoder's, as the prototypes'
    encoder: str = "own"  # or the CLIP model (hub id or folder) the memory in `folder` was made with
    folder: str | None = None  # a memory made beforehand by `python -m pdm memory`


@dataclass(frozen=True)
class DiffusionConfig:
    """Noise distribution and preconditioning: "edm" (Karras et al. 2022), "x", or the published "vp" chain.

    "x": the net gives the clean image itself, which is what large patches can learn (JiT, arXiv 2511.13720).
    """

    preconditioning: str = "edm"
    P_mean: float = -1.2
    P_std: float = 1.2
    sigma_data: float = 0.5
    weight_cap: float | None = None  # of the loss; JiT caps its own at 400, as t near 1 would drown the rest
    chain_steps: int = 2000  # "vp" only
    condition_dropout: float = 0.1
    time_in_token: bool = False  # the paper adds a sinusoidal time embedding to its single token
    guidance: float = DEFAULT_GUIDANCE  # the finished model's own, where a call names none


@dataclass(frozen=True)
class LatentConfig:
    """Pictures that are painted as the latents of an autoencoder, instead of pixel by pixel."""

    autoencoder: str | None = None  # a folder or a hub id of diffusers' AutoencoderTiny; None: pixels
    digest: str = ""  # of its weights, once they are read
    features: int = 64  # side of the pictures that f_phi and RDM's encoder look at


@dataclass(frozen=True)
class OptimConfig:
    images: int = 500_000  # images seen by the whole run, over all its chunks
    batch_size: int = 128
    optimizer: str = "adamw"  # one of `OPTIMIZERS`
    learning_rate: float = 8e-4
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    warmup_images: int = 25_000
    decay_fraction: float = 0.3  # linear decay to zero over this last share of the run
    clip_norm: float = 1.0
    ema_decay: float = 0.9995


@dataclass(frozen=True)
class TrainConfig:
    """One run: an objective, a net, and how long."""

    PARTS: ClassVar[dict[str, type]] = {
        "net": NetConfig,
        "prototypes": PrototypeConfig,
        "memory": MemoryConfig,
        "diffusion": DiffusionConfig,
        "optim": OptimConfig,
        "latent": LatentConfig,
    }

    preset: str
    net: NetConfig
    prototypes: PrototypeConfig = field(default_factory=PrototypeConfig)
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    diffusion: DiffusionConfig = field(default_factory=DiffusionConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    latent: LatentConfig = field(default_factory=LatentConfig)
    method: str = "pdm"  # "pdm", "rdm" or "unconditional": what fills the condition
    start: str | None = None  # a trained model to start from; its memory stays, its prototypes settle
    new_net: bool = False  # of which nothing but that is taken: the net learns from nothing
    net_from: str | None = None  # ... or from the weights of this model, whatever images those were learned from
    image_size: int = 32
    augment: str = "none"  # of the denoiser's images: "none", "flip", or "d4" (the eight symmetries)
    mirrored: tuple[str, ...] = ()  # the classes of which the denoiser's images are flipped; none named: all
    shift: int = 0  # pixels that the denoiser's images move by at most, their borders repeated
    tiling: str = "mosaic"  # the finished model's own way with large pictures; a model to start from keeps its own
    seed: int = 0
    precision: str = "auto"

    @property
    def seen_size(self) -> int:
        """Side of the pictures that prototypes, or a memory, are made of."""
        return self.image_size if self.latent.autoencoder is None else min(self.image_size, self.latent.features)

    def to_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> TrainConfig:
        """Rebuild a config from `to_dict` (or its JSON); raises ValueError for keys that do not belong."""
        try:
            values = {k: cls.PARTS[k](**_tuples(v)) if k in cls.PARTS else v for k, v in values.items()}
            return cls(**_tuples(values))
        except TypeError as error:
            raise ValueError(f"expected a training configuration of this version, got {error}") from error


def _tuples(values: dict) -> dict:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}


_PAPER_PROTOTYPES = PrototypeConfig(
    objective="paper",
    count=15,
    tokens=1,
    nearest_only=1.0,
    blended=0.0,
    warmup_steps=0,
    learning_rate=1e-4,
    frozen_from=1.0,
)
_PAPER_DIFFUSION = DiffusionConfig(preconditioning="vp", condition_dropout=0.0, time_in_token=True)
_PAPER_OPTIM = OptimConfig(batch_size=64, learning_rate=1e-4, betas=(0.9, 0.999), warmup_images=0, decay_fraction=0.0)
_PAPER = TrainConfig("paper", NETS["paper"], _PAPER_PROTOTYPES, diffusion=_PAPER_DIFFUSION, optim=_PAPER_OPTIM)

# Muon brings a net nearer to the data than AdamW does in as many images: see the ablation.
_PDM = TrainConfig("pdm", NETS["small"], optim=OptimConfig(optimizer="muon"))
PRESETS: dict[str, TrainConfig] = {
    "pdm": _PDM,
    "s-pdm": replace(_PDM, preset="s-pdm", prototypes=PrototypeConfig(supervised=True)),
    "rdm": replace(_PDM, preset="rdm", method="rdm"),
    "unconditional": replace(_PDM, preset="unconditional", method="unconditional"),
    "paper": _PAPER,
    "s-paper": replace(_PAPER, preset="s-paper", prototypes=replace(_PAPER_PROTOTYPES, supervised=True)),
}


def _colour(name: str, recipe: TrainConfig) -> dict[str, TrainConfig]:
    """A recipe and its variants, which differ from it in nothing but what fills the condition."""
    supervised = replace(recipe.prototypes, supervised=True)
    return {
        name: replace(recipe, preset=name),
        f"{name}-s-pdm": replace(recipe, preset=f"{name}-s-pdm", prototypes=supervised),
        **{f"{name}-{m}": replace(recipe, preset=f"{name}-{m}", method=m) for m in ("rdm", "unconditional")},
    }


# Satellite tiles look alike from all sides and go on; photographs look right in a mirror. All of it is for one GPU.
_EUROSAT = TrainConfig(
    "eurosat-64",
    NETS["patches-64"],
    PrototypeConfig(count=64, energies=True, views="parts", warmup_steps=4000),
    MemoryConfig(encoder_steps=4000, views="parts"),
    DiffusionConfig(preconditioning="x", P_mean=-0.8, weight_cap=100.0),
    optim=OptimConfig(images=8_000_000, batch_size=256, warmup_images=128_000, ema_decay=0.9996),
    image_size=64,
    augment="d4",
    tiling="whole",
)
# A few hours of two CPU cores: small batches, so that few images make many steps, and prototypes that settle before.
_CPU_OPTIM = OptimConfig(batch_size=64, optimizer="muon", learning_rate=6e-4, warmup_images=10_000)
_EUROSAT_CPU = replace(
    _EUROSAT,
    prototypes=replace(_EUROSAT.prototypes, warmup_steps=1500, settle_steps=500, warmup_batch=256, frozen_from=0.0),
    memory=replace(_EUROSAT.memory, encoder_steps=600, encoder_batch=256),
    optim=replace(_CPU_OPTIM, images=400_000),
)
_CIFAR10 = TrainConfig(
    "cifar10-32",
    NETS["cifar10-32"],
    PrototypeConfig(count=128, width=64, views="crops", warmup_steps=4000),
    MemoryConfig(encoder_steps=4000, encoder_width=64, views="crops"),
    optim=OptimConfig(images=20_000_000, batch_size=512, warmup_images=256_000, ema_decay=0.9996),
    augment="flip",
    tiling="windows",
)
# Half an hour for what fills the condition, the same for both methods, and an hour for the net.
_CIFAR10_CPU = replace(
    _CIFAR10,
    net=NETS["cifar10-32-cpu"],
    prototypes=replace(
        _CIFAR10.prototypes, width=32, warmup_steps=5000, settle_steps=1000, warmup_batch=256, frozen_from=0.0
    ),
    memory=replace(_CIFAR10.memory, encoder_width=32, encoder_steps=5000, encoder_batch=256),
    diffusion=DiffusionConfig(guidance=2.0),  # a net this small needs some to obey its condition
    optim=replace(_CPU_OPTIM, images=320_000),
)
# A few thousand pictures, seen hundreds of times each, move a little; signs, clocks and tools look wrong in a mirror.
_EMOJI_CPU = TrainConfig(
    "emoji-cpu",
    NETS["patches-64"],
    PrototypeConfig(
        count=128, views="moves", warmup_steps=1500, settle_steps=500, warmup_batch=256, frozen_from=0.0
    ),
    MemoryConfig(encoder_steps=1500, encoder_batch=256, views="moves"),
    # Noise as in EDM2 (arXiv 2312.02696): shapes are decided above EDM's own levels, and what lies below costs the most
    # loss for what nobody sees. With some guidance pictures obey their prototypes: see the results.
    diffusion=DiffusionConfig(preconditioning="x", P_mean=-0.4, P_std=1.0, weight_cap=100.0, guidance=1.5),
    optim=replace(_CPU_OPTIM, images=2_000_000),
    image_size=64,
    augment="flip",
    mirrored=("Smileys & Emotion", "People & Body", "Animals & Nature", "Food & Drink"),
    shift=2,
)  # fmt: skip
# The same on one GPU, where larger batches cost nothing: what made the model that ships.
_EMOJI = replace(_EMOJI_CPU, optim=OptimConfig(images=947_200, batch_size=256, warmup_images=64_000, ema_decay=0.9996))
# The paper's larger sets, by the emoji's recipe: photographs, which look right in a mirror.
_PHOTOS = replace(
    _EMOJI_CPU,
    prototypes=replace(_EMOJI_CPU.prototypes, views="crops"),
    memory=replace(_EMOJI_CPU.memory, views="crops"),
    mirrored=(),
    shift=0,
)
# Photographs of 128 px in the space of an autoencoder, on two CPU cores.
_LATENT = replace(
    _CIFAR10_CPU,
    net=NETS["latent-128"],
    prototypes=replace(_CIFAR10_CPU.prototypes, count=64, warmup_steps=1500, settle_steps=500),
    memory=replace(_CIFAR10_CPU.memory, encoder_steps=1500),
    diffusion=DiffusionConfig(guidance=1.5),  # as for emoji: see the short runs in the results
    optim=replace(_CPU_OPTIM, images=1_000_000),
    latent=LatentConfig(autoencoder="madebyollin/taesd"),
    image_size=128,
)
PRESETS |= {
    **_colour("eurosat-64", _EUROSAT),
    **_colour("eurosat-64-cpu", _EUROSAT_CPU),
    **_colour("cifar10-32", _CIFAR10),
    **_colour("cifar10-32-cpu", _CIFAR10_CPU),
    **_colour("emoji", _EMOJI),
    **_colour("emoji-cpu", _EMOJI_CPU),
    **_colour("stl10-96", replace(_PHOTOS, image_size=96)),
    **_colour("tiny-imagenet-64", _PHOTOS),
    **_colour("celeba-64", _PHOTOS),
    **_colour("latent-128", _LATENT),
}


def data_of(name: str) -> str:
    """The data set that a preset is for, where no other one is named."""
    named = ("eurosat", "cifar10", "emoji", "stl10", "tiny-imagenet", "celeba")
    return next((data for data in named if name.startswith(data)), "fashion-mnist")


def preset(name: str, objective: str | None = None, net: str | None = None) -> TrainConfig:
    """The named preset, with the objective or the net of another one: an ablation keeps the net fixed."""
    for label, value, table in (("preset", name, PRESETS), ("objective", objective, PRESETS), ("net", net, NETS)):
        if value is not None and value not in table:
            raise ValueError(f"{label}: expected one of {', '.join(table)}, got {shown(value)}")
    config = PRESETS[name]
    if objective:
        config = replace(config, prototypes=PRESETS[objective].prototypes)
    if net:
        config = replace(config, net=NETS[net])
    return config
