"""Data sets as uint8 tensors. This module alone knows where pixels come from and what range they have."""

from __future__ import annotations

import gzip
import hashlib
import random
import re
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps

from pdm.support.checks import shown
from pdm.support.files import check_regular
from pdm.support.hub import quiet_hub
from pdm.support.paths import ASSETS

FASHION_MNIST_FILES = Path("/usr/share/datasets/fashion-mnist")  # Debian's package dataset-fashion-mnist
HUB_IDS = {  # short names
    "fashion-mnist": "zalando-datasets/fashion_mnist",
    "eurosat": "timm/eurosat-rgb",  # MIT
    "cifar10": "uoft-cs/cifar10",  # no licence: what is made of it may be shown, its images must not be passed on
}
SHIPPED_SETS = {"emoji": ASSETS / "emoji" / "data"}  # short names of data sets that ship whole, in the hub's layout
FASHION_MNIST_CLASSES = (
    "T-shirt",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Boot",
)
MAX_PIXELS = 16_000_000  # of one image file; larger ones are refused before they are decoded


@dataclass(frozen=True)
class ImageData:
    """A data set in memory: `images` uint8 (N, C, H, W); `labels` int64 (N,), -1 where there are none."""

    name: str
    images: torch.Tensor
    labels: torch.Tensor
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def subset(self, indices: torch.Tensor | slice) -> ImageData:
        return replace(self, images=self.images[indices], labels=self.labels[indices])

    def to(self, device: torch.device) -> ImageData:
        """The images as the bytes they are, and the labels, in the memory of a device."""
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def hash(self) -> str:
        """sha256 over shape, pixels and labels: names the exact data a model was trained on."""
        digest = hashlib.sha256(str(tuple(self.images.shape)).encode())
        digest.update(self.images.cpu().contiguous().numpy().tobytes())
        digest.update(self.labels.cpu().numpy().tobytes())
        return digest.hexdigest()


def to_unit(images: torch.Tensor) -> torch.Tensor:
    """uint8 [0, 255] -> float32 [-1, 1]."""
    return images.float() / 127.5 - 1.0


def to_bytes(images: torch.Tensor) -> torch.Tensor:
    """float [-1, 1] -> uint8 [0, 255], rounded and clipped."""
    return ((images.float() + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)


def to_pil(image: torch.Tensor) -> Image.Image:
    """One uint8 (C, H, W) tensor as a PIL image."""
    array = image.numpy()
    return Image.fromarray(array[0] if len(array) == 1 else array.transpose(1, 2, 0))


def from_pil(image: Image.Image, size: int | tuple[int, int], channels: int) -> torch.Tensor:
    """A picture of any mode and size as uint8 (channels, *size): centre crop, then Lanczos.

    `size`: the side of a square, or height and width.
    """
    height, width = (size, size) if isinstance(size, int) else size
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f"image: expected at most {MAX_PIXELS} pixels, got {image.width}x{image.height}")
    if image.mode.startswith("I;16"):  # Pillow would clip 16 bits at 255, not scale them
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "P"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size == (28, 28) and (height, width) == (32, 32):
        image = _padded(image, 2)  # the way Fashion-MNIST itself is brought to 32x32
    scale = min(image.width / width, image.height / height)
    across, down = max(1, round(scale * width)), max(1, round(scale * height))
    left, top = (image.width - across) // 2, (image.height - down) // 2
    image = image.crop((left, top, left + across, top + down)).resize((width, height), Image.Resampling.LANCZOS)
    array = np.asarray(image)
    return torch.from_numpy(array[None].copy() if channels == 1 else array.transpose(2, 0, 1).copy())


def upright(image: Image.Image) -> Image.Image:
    """A picture turned as its EXIF data says it was taken; as it is, where they say nothing that can be read."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF data make Pillow raise anything
        return image


def _padded(image: Image.Image, border: int) -> Image.Image:
    padded = Image.new(image.mode, (image.width + 2 * border, image.height + 2 * border))
    padded.paste(image, (border, border))
    return padded


def load(source: str, split: str = "train", size: int = 32, limit: int | None = None) -> ImageData:
    """Read `source`: a short name (`HUB_IDS`, `SHIPPED_SETS`), a hub id, a folder in the hub's layout, a Parquet file,
    class folders.

    Class folders may lie below one folder a split (train/cat, test/cat); a Parquet file is of the split asked for.
    Returns `size` x `size` images, grey where every image is grey. Raises ValueError when the source does not exist,
    cannot be reached, or holds fewer than two images.
    """
    folder = Path(source)
    if source == "fashion-mnist":
        data = _fashion_mnist(split)
        if size != 32:
            data = replace(data, images=F.interpolate(data.images.float(), size=size, mode="area").to(torch.uint8))
    elif source in HUB_IDS:
        data = replace(_hub(HUB_IDS[source], split, size, limit), name=source)
    elif source in SHIPPED_SETS:
        data = replace(_hub(str(_shipped(source)), split, size, limit), name=source)
    elif folder.is_dir() and not any(folder.rglob("*.parquet")):
        data = _class_folders(folder, split, size)
    else:
        data = _hub(source, split, size, limit)
    if limit:
        data = data.subset(slice(limit))
    if len(data) < 2:
        raise ValueError(f"data set {source!r}: expected at least 2 images, got {len(data)}")
    return data


def _fashion_mnist(split: str) -> ImageData:
    prefix = {"train": "train", "test": "t10k"}.get(split)
    if prefix is None:
        raise ValueError(f"split: expected 'train' or 'test', got {shown(split)}")
    if not FASHION_MNIST_FILES.is_dir():
        data = _hub(HUB_IDS["fashion-mnist"], split, 32, None)
        return replace(data, name="fashion-mnist", class_names=FASHION_MNIST_CLASSES)
    images = _idx(FASHION_MNIST_FILES / f"{prefix}-images-idx3-ubyte.gz")
    labels = _idx(FASHION_MNIST_FILES / f"{prefix}-labels-idx1-ubyte.gz")
    images = F.pad(torch.from_numpy(images)[:, None], (2, 2, 2, 2))
    return ImageData("fashion-mnist", images, torch.from_numpy(labels).long(), FASHION_MNIST_CLASSES)


def _shipped(name: str) -> Path:
    """The folder of a data set that ships; raises ValueError where it is not there."""
    folder = SHIPPED_SETS[name]
    if not any(folder.glob("*.parquet")):
        raise ValueError(
            f"data set {name!r}: expected its Parquet files in {folder}, got none; name another place with --data, "
            f"or make them with: python -m pdm data {name}"
        )
    return folder


def _idx(path: Path) -> np.ndarray:
    """Read a gzipped IDX file of unsigned bytes (the format of MNIST)."""
    try:
        raw = gzip.decompress(path.read_bytes())
        dims = raw[3]
        shape = struct.unpack(f">{dims}I", raw[4 : 4 + 4 * dims])
        return np.frombuffer(raw, np.uint8, offset=4 + 4 * dims).reshape(shape).copy()
    except (OSError, EOFError, IndexError, struct.error, zlib.error, ValueError) as error:
        raise ValueError(f"{path}: expected a gzipped IDX file, got {error}") from error


def _class_folders(source: Path, split: str, size: int) -> ImageData:
    folder, files = class_files(source, split)
    nested = [p.parent != folder for p in files]
    names = tuple(sorted({p.parent.name for p, n in zip(files, nested, strict=True) if n}))
    labels = [names.index(p.parent.name) if n else -1 for p, n in zip(files, nested, strict=True)]
    return _stack(source.name, map(open_picture, files), labels, names, size)


def class_files(source: Path, split: str) -> tuple[Path, list[Path]]:
    """The folder that holds a split, `source` where it has no such folder, and its images in one fixed mixed order."""
    suffixes = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
    folder = source / split if (source / split).is_dir() else source
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in suffixes)
    random.Random(0).shuffle(files)  # by name they would be sorted by class, and "the first N" a single one
    if len(files) < 2:
        raise ValueError(f"folder {folder}: expected at least 2 images (png, jpg, webp, bmp), got {len(files)}")
    return folder, files


def open_picture(path: Path) -> Image.Image:
    """A decoded image file; raises ValueError, which names it, for one that is no image or too large.

    The error's cause gives the reason alone, for a message that names the file in its own way.
    """
    try:
        check_regular(path)
        with refused_when_huge(), Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                found = f"{image.width}x{image.height}"
                reason = ValueError(f"at most {MAX_PIXELS} pixels are allowed, not {found}")
                raise ValueError(f"{path}: expected an image of at most {MAX_PIXELS} pixels, got {found}") from reason
            image.load()
            return image.copy()
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:  # SyntaxError: Pillow's for broken PNG
        raise ValueError(f"{path}: expected an image, got {error}") from error


@contextmanager
def refused_when_huge() -> Iterator[None]:
    """Without Pillow's warning about a huge image: it is refused by MAX_PIXELS, with an error of our own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _hub(source: str, split: str, size: int, limit: int | None) -> ImageData:
    import datasets

    rows = "" if limit is None else f"[:{limit}]"
    try:
        with quiet_hub():
            if source.endswith(".parquet"):  # one file has no splits, and `datasets` calls what it has "train"
                table = datasets.load_dataset("parquet", data_files=source, split=f"train{rows}")
            else:
                table = datasets.load_dataset(source, split=split + rows)
    except Exception as error:  # datasets raises a dozen unrelated types for "not there"
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(
            f"data set {source!r}, split {split!r}: "
            f"expected a hub id that can be reached, or a local folder or file, got: {reason}"
        ) from error
    image_key = next((k for k, f in table.features.items() if isinstance(f, datasets.Image)), None)
    if image_key is None:
        raise ValueError(f"data set {source!r}: expected a column of images, got {list(table.features)}")
    label_key = next((k for k, f in table.features.items() if isinstance(f, datasets.ClassLabel)), None)
    if label_key is None and "label" in table.features:
        label_key = "label"
    try:
        labels = [int(v) for v in table[label_key]] if label_key else [-1] * len(table)
    except (TypeError, ValueError) as error:
        raise ValueError(f"data set {source!r}: expected whole numbers in column {label_key!r}, got {error}") from error
    feature = table.features.get(label_key) if label_key else None
    names = tuple(map(readable, feature.names)) if isinstance(feature, datasets.ClassLabel) else ()
    if label_key and not names:
        names = tuple(str(i) for i in range(max(labels) + 1))
    pictures = (row[image_key] for row in table.select_columns(image_key))
    try:
        return _stack(Path(source).name.removesuffix(".parquet"), pictures, labels, names, size)
    except (OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"data set {source!r}: expected images in column {image_key!r}, got {error}") from error


def readable(name: str) -> str:
    """A class name as people write it, where the data set has it as a program does: SeaLake, tabby_cat."""
    return re.sub(r"(?<=[a-z]{2})[A-Z](?=[a-z])", lambda start: f" {start[0].lower()}", name).replace("_", " ")


def _stack(
    name: str, pictures: Iterable[Image.Image], labels: list[int], class_names: tuple[str, ...], size: int
) -> ImageData:
    """One picture is decoded at a time: whole, they would take many times the room of what is made of them."""
    images = torch.empty(len(labels), 1, size, size, dtype=torch.uint8)
    for row, picture in enumerate(pictures):
        if images.shape[1] == 1 and picture.mode not in ("L", "1", "I;16"):
            images = images.expand(-1, 3, -1, -1).clone()  # the first one in colour: those before it were grey
        images[row] = from_pil(picture, size, images.shape[1])
    return ImageData(name, images, torch.tensor(labels, dtype=torch.long), class_names)
