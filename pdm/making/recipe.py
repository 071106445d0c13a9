"""Which net a model of one's own images gets, and how it learns: the recipes that were tried, fitted to the images."""

from __future__ import annotations

from dataclasses import replace

from pdm.config import NETS, PRESETS, LatentConfig, TrainConfig
from pdm.making.look import LARGE, Look
from pdm.making.names import LATENT_SIZES, SIZES
from pdm.support.paths import ASSETS

LATENT = PRESETS["latent-128"]
# By (side, whether there is a GPU). At 64 px on a CPU the net gives the image itself behind patches of 4 x 4: shapes
# appear before noise is gone with the others.
RECIPES = {
    (32, False): PRESETS["cifar10-32-cpu"],
    (64, False): PRESETS["emoji-cpu"],
    (32, True): PRESETS["cifar10-32"],
    (64, True): PRESETS["eurosat-64"],
}
# The shipped model whose net a recipe's net begins with: it knows edges, surfaces and light already.
SHIPPED = {(NETS["patches-64"], 3): "emoji", (NETS["cifar10-32-cpu"], 3): "cifar10"}
NOTHING = "none"  # instead of such a model
FEW, SOME, MANY = 500, 5_000, 20_000  # images up to which they move by an eighth, a sixteenth, a 32nd of their side
TOKENS_AT_MOST = 8
NAME = "new"  # of the preset, in cards


def check_size(size: int | None, autoencoder: str | None = None, colour: str = "auto") -> None:
    """Raise ValueError for a side that no recipe is for, and for an autoencoder, or grey images, beside another one."""
    if size is not None and size not in (*SIZES, *LATENT_SIZES):
        raise ValueError(f"--size: expected 32, 64, 128, 256 or 512, got {size}")
    if size not in LATENT_SIZES and autoencoder is not None:
        raise ValueError(f"--autoencoder: expected --size 128, 256 or 512 beside it, got {size or 'none'}")
    if size in LATENT_SIZES and colour == "grey":
        raise ValueError(f"--colour: expected colour beside --size {size}, whose autoencoder knows no other, got grey")


def latent_of(size: int | None, autoencoder: str | None) -> LatentConfig:
    """The autoencoder that this side takes: the one that is named, else TAESD on the hub; none for pixels."""
    if size not in LATENT_SIZES:
        return LatentConfig()
    return replace(LATENT.latent, autoencoder=autoencoder or LATENT.latent.autoencoder, features=LARGE)


def recipe(
    look: Look,
    *,
    gpu: bool,
    prototypes: int | None = None,
    augment: str | None = None,
    autoencoder: str | None = None,
    net_from: str | None = None,
    seed: int = 0,
) -> TrainConfig:
    """How a model of these images learns, but for how long.

    `net_from`: the model with whose weights its net begins, or "none"; where it is None, a shipped one of the same net.
    """
    check_size(look.size, autoencoder)
    latent = latent_of(look.size, autoencoder)
    base = LATENT if latent.autoencoder else RECIPES[look.size, gpu]
    if look.channels == 1 and look.size == 32 and not gpu:  # shapes without colours need no full grid
        base = replace(base, net=NETS["small"], diffusion=PRESETS["pdm"].diffusion)
    symmetry = augment or look.symmetry
    views = "parts" if symmetry == "d4" else "crops" if look.channels == 3 else "moves"
    count = prototypes or prototype_count(look.images)
    return replace(
        base,
        preset=NAME,
        prototypes=replace(
            base.prototypes,
            count=count,
            tokens=min(TOKENS_AT_MOST, count),
            views=views,
            energies=symmetry == "d4",
            frozen_from=0.0,
        ),
        memory=replace(base.memory, views=views),
        latent=latent,
        image_size=look.size,
        augment=symmetry,
        net_from=shipped_net(base, look.channels) if net_from is None else None if net_from == NOTHING else net_from,
        mirrored=(),
        tiling="whole" if symmetry == "d4" else "mosaic",  # what looks alike from all sides goes on; objects end
        shift=0 if latent.autoencoder else shift(look.images, look.size),
        seed=seed,
    )


def shipped_net(config: TrainConfig, channels: int) -> str | None:
    """The folder of the shipped model that has this net for images of so many channels, where there is one."""
    name = SHIPPED.get((config.net, channels))
    return str(ASSETS / name) if name and (ASSETS / name).is_dir() else None


def prototype_count(images: int) -> int:
    """About the square root of the count, 16 to 256; of few images a quarter as many, so that none is one image's."""
    return min(max(16, min(256, round(images**0.5))), max(4, images // 4))


def shift(images: int, size: int) -> int:
    """By how many pixels images move: the fewer there are, the more."""
    for most, part in ((FEW, 8), (SOME, 16), (MANY, 32)):
        if images < most:
            return size // part
    return 0


def with_steps(config: TrainConfig, steps: int, batch: int) -> TrainConfig:
    """The recipe with so many steps of the prototypes (or of RDM's encoder) alone, in batches of this size."""
    return replace(
        config,
        prototypes=replace(config.prototypes, warmup_steps=steps, settle_steps=steps // 4, warmup_batch=batch),
        memory=replace(config.memory, encoder_steps=steps, encoder_batch=batch),
    )


def with_images(config: TrainConfig, images: int) -> TrainConfig:
    """The recipe with so many images that the denoiser sees, over all its steps."""
    warmup = min(config.optim.warmup_images, images // 10)
    return replace(config, optim=replace(config.optim, images=images, warmup_images=warmup))
