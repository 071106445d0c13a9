"""Random views of image batches, on whatever device they are on. Randomness is an argument."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F

from pdm.support.checks import shown


def _uniform(n: int, low: float, high: float, generator: torch.Generator, device) -> torch.Tensor:
    return torch.rand(n, generator=generator, device=generator.device).mul(high - low).add(low).to(device)


def view(x: torch.Tensor, generator: torch.Generator, symmetry: str = "none", kind: str = "moves") -> torch.Tensor:
    """One random view of each image x, float (B, C, H, W) in [-1, 1]; what views share is what features will tell.

    `kind` "moves": small rotation, zoom and shift, then contrast, brightness and noise. "crops": a part of the picture
    with its light, colourfulness and tints changed, at times grey (SimCLR). "parts": a part nearly as it is, so that
    colours and textures tell images apart, and not what lies where. `symmetry` "flip" or "d4" adds the symmetries the
    data has.
    """
    if kind not in VIEWS:
        raise ValueError(f"views: expected {' or '.join(map(repr, VIEWS))}, got {shown(kind)}")
    return VIEWS[kind](symmetric(x, generator, symmetry), generator)


def _moves(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    n = len(x)
    angle = _uniform(n, -0.2, 0.2, generator, x.device)
    zoom = _uniform(n, 0.8, 1.15, generator, x.device)
    shift = torch.stack([_uniform(n, -0.12, 0.12, generator, x.device) for _ in range(2)], 1)
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    theta = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)  # (B, 2, 2)
    theta = torch.cat([theta, shift[:, :, None]], 2)  # (B, 2, 3)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    contrast = _uniform(n, 0.7, 1.3, generator, x.device)[:, None, None, None]
    brightness = _uniform(n, -0.15, 0.15, generator, x.device)[:, None, None, None]
    x = (x + 1) * contrast - 1 + brightness
    noise = torch.randn(x.shape, generator=generator, device=generator.device).to(x.device)
    return (x + 0.05 * noise).clamp(-1, 1)


def _crops(
    x: torch.Tensor,
    generator: torch.Generator,
    *,
    least: float = 0.3,
    light: float = 0.4,
    tint: float = 0.1,
    greyed: float = 0.2,
) -> torch.Tensor:
    """At least the share `least` of each picture; `greyed`: the share of pictures that lose their colours."""
    n, channels = x.shape[:2]

    def draw(low: float, high: float) -> torch.Tensor:
        return _uniform(n, low, high, generator, x.device)

    area, ratio = draw(least, 1.0), draw(-0.29, 0.29).exp()  # of the picture; 3:4 to 4:3
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    centre = [draw(-1, 1) * (1 - side) for side in (width, height)]
    nothing = torch.zeros_like(area)
    rows = torch.stack([width, nothing, centre[0]], 1), torch.stack([nothing, height, centre[1]], 1)
    grid = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)  # theta (B, 2, 3)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    image = lambda values: values[:, None, None, None]  # noqa: E731
    x = (x + 1) / 2 * image(draw(1 - light, 1 + light))
    mean = grey(x).mean((1, 2, 3), keepdim=True)
    x = mean + (x - mean) * image(draw(1 - light, 1 + light))
    x = grey(x) + (x - grey(x)) * image(draw(1 - light, 1 + light))
    x = x * _uniform(n * channels, 1 - tint, 1 + tint, generator, x.device).view(n, channels, 1, 1)
    x = torch.where(image(draw(0, 1)) < greyed, grey(x).expand_as(x), x)
    return (2 * x - 1).clamp(-1, 1)


def grey(x: torch.Tensor) -> torch.Tensor:
    """The light (B, 1, H, W) of colours (B, 3, H, W), as ITU-R BT.601 weights them; grey images are their own."""
    if x.shape[1] == 1:
        return x
    red, green, blue = x.unbind(1)
    return (0.299 * red + 0.587 * green + 0.114 * blue)[:, None]


VIEWS = {
    "moves": _moves,
    "crops": _crops,
    "parts": partial(_crops, least=0.25, light=0.08, tint=0.02, greyed=0.0),
}


def symmetric(
    x: torch.Tensor, generator: torch.Generator, symmetry: str, allowed: torch.Tensor | None = None
) -> torch.Tensor:
    """Each image under a random element of the group: "none", "flip" (mirror) or "d4" (the eight of the square).

    `allowed` (B,): the images that have the group's symmetries; the others stay as they are.
    """
    return x if symmetry == "none" else under(x, elements(len(x), generator, symmetry, x.device, allowed), symmetry)


ELEMENTS = {"none": 1, "flip": 2, "d4": 8}  # of each group


def elements(
    n: int, generator: torch.Generator, symmetry: str, device, allowed: torch.Tensor | None = None
) -> torch.Tensor:
    """Random elements (n,) of the group, by their numbers; 0, which changes nothing, where they are not `allowed`."""
    if symmetry not in ELEMENTS:
        raise ValueError(f"augment: expected 'none', 'flip' or 'd4', got {shown(symmetry)}")
    if symmetry == "none":
        return torch.zeros(n, dtype=torch.long, device=device)
    coin = torch.rand(3, n, generator=generator, device=generator.device).to(device) < 0.5
    coin = coin if allowed is None else coin & allowed
    return coin[0].long() if symmetry == "flip" else (coin * torch.tensor([[1], [2], [4]], device=device)).sum(0)


def under(x: torch.Tensor, element: torch.Tensor, symmetry: str = "d4") -> torch.Tensor:
    """Each image (B, C, H, W) under the element (B,) of a group: bit by bit mirrored, upside down, rows as columns."""
    if symmetry == "none":
        return x
    coin = [((element >> bit) & 1).bool()[:, None, None, None] for bit in range(3)]
    x = torch.where(coin[0], x.flip(3), x)
    if symmetry == "d4":
        x = torch.where(coin[1], x.flip(2), x)
        x = torch.where(coin[2], x.transpose(2, 3), x)
    return x


def shifted(x: torch.Tensor, generator: torch.Generator, most: int) -> torch.Tensor:
    """Each image (C, H, W) moved by up to `most` whole pixels both ways; what comes in repeats the border."""
    if not most:
        return x
    height, width = x.shape[2:]
    room = F.pad(x, (most, most, most, most), mode="replicate")
    places = torch.randint(2 * most + 1, (len(x), 2), generator=generator, device=generator.device).to(x.device)
    rows = places[:, :1] + torch.arange(height, device=x.device)  # (B, height)
    columns = places[:, 1:] + torch.arange(width, device=x.device)
    image = torch.arange(len(x), device=x.device)[:, None, None]
    return room[image, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()
