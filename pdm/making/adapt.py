"""A trained model that learns a handful of new images: prototypes are added, and it all goes on learning with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from pdm.config import TrainConfig
from pdm.data.images import ImageData
from pdm.making.line import Line
from pdm.making.names import DENOISER, MAP, PROTOTYPES, WORK
from pdm.making.pace import measure
from pdm.making.steps import put, tidy
from pdm.map.projection import fit_map, save_map
from pdm.map.sheet import usual_count
from pdm.model.encoders import embed_all
from pdm.model.features import unit
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.card import CARD, denoiser_card
from pdm.pipelines.loading import PIPELINE, load_pipeline, resolve
from pdm.pipelines.pdm import PDMPipeline
from pdm.support.checks import expect
from pdm.support.files import atomic_folder, read_json, write_json
from pdm.support.leftovers import recover
from pdm.training.train import train

FILE = "adapt.json"  # in the work's folder: what was asked, and the run's configuration
NEW_SHARE = 0.2  # of the images that are learned from
FOR_PROTOTYPES = 0.2  # of the minutes
RATE = 0.3  # of the learning rates of the model's own training
LEAST = 10  # steps of each


def new_count(images: int) -> int:
    """How many prototypes so many new images get."""
    return max(1, min(8, round(images**0.5)))


@torch.no_grad()
def new_prototypes(bank: PrototypeBank, images: torch.Tensor, count: int) -> torch.Tensor:
    """`count` vectors (count, D) among the features of images: k-means, begun at those farthest from all prototypes."""
    z = embed_all(bank.encode, images)
    vectors = bank.vectors.detach().clone()
    for _ in range(count):
        farthest = torch.cdist(z, vectors).min(1).values.argmax()
        vectors = torch.cat([vectors, z[farthest : farthest + 1]])
    found = vectors[-count:]
    for _ in range(10):
        nearest = torch.cdist(z, found).argmin(1)
        means = [z[nearest == k].mean(0) if (nearest == k).any() else found[k] for k in range(count)]
        found = unit(torch.stack(means)) if bank.config.spherical else torch.stack(means)
    return found


def widened(pipeline: PDMPipeline, vectors: torch.Tensor) -> PDMPipeline:
    """The pipeline with these prototypes behind its own, and without a student and a guide, which know none of them."""
    old, options = pipeline.bank, {k: v for k, v in pipeline.bank.config.items() if not k.startswith("_")}
    bank = PrototypeBank(**{**options, "count": old.count + len(vectors)})
    bank.encoder.load_state_dict(old.encoder.state_dict())
    with torch.no_grad():
        bank.vectors.copy_(torch.cat([old.vectors, vectors]))
    return PDMPipeline(
        pipeline.denoiser,
        bank,
        pipeline.scheduler,
        guidance_scale=pipeline.config.guidance_scale,
        tiling=pipeline.config.tiling,
        guided_above=pipeline.config.guided_above,
    )


def mixed(old: ImageData, new: ImageData, share: float = NEW_SHARE) -> ImageData:
    """Old and new images, the new ones as often as it takes to be this share; where there are classes, they are one."""
    times = max(1, round(share / (1 - share) * len(old) / len(new)))
    names = old.class_names
    if names and new.name not in names:
        names = (*names, new.name)
    label = names.index(new.name) if names else -1
    return ImageData(
        f"{old.name} with {new.name}",
        torch.cat([old.images, new.images.repeat(times, 1, 1, 1)]),
        torch.cat([old.labels, torch.full((times * len(new),), label)]),
        names,
    )


class Adapting:
    """A model's own training, gone on with for some minutes on `old` and `new` images, into the folder `out`."""

    def __init__(self, model: str, old: ImageData, new: ImageData, out: Path, *, seed: int = 0, cpu: bool = False):
        self.model, self.old, self.new, self.out, self.seed, self.cpu = model, old, new, Path(out), seed, cpu
        self.work = self.out / WORK
        self.data = mixed(old, new)

    def run(self, minutes: float, prototypes: int | None = None) -> None:
        """Make what is not there yet. Raises ValueError for a folder that was begun with other choices."""
        prototypes = prototypes or new_count(len(self.new))
        asked = {"model": self.model, "minutes": minutes, "prototypes": prototypes, "seed": self.seed}
        asked["data_hash"] = self.data.hash()
        path = self.work / FILE
        if path.is_file():
            begun = read_json(path)
            self._check_same(begun["asked"], asked)
            config, planned = TrainConfig.from_dict(begun["config"]), begun["minutes"]
        else:
            self._start(prototypes)
            config, planned = self._config(minutes, prototypes)
            write_json(path, {"asked": asked, "config": config.to_dict(), "minutes": planned})
        line = Line(planned, self.work / "log.txt")
        try:
            self._learn(config, line)
            self._map(line)
        finally:
            line.close()
        tidy(self.work, FILE)

    def _check_same(self, then: dict, asked: dict) -> None:
        """Raise ValueError, which names the first choice that is another one than when this was begun."""
        for name, value in asked.items():
            if then.get(name) != value:
                raise ValueError(
                    f"{self.out}: {name}: expected {then.get(name)}, which it was begun with, got {value}; "
                    "give the same, or choose another folder"
                )

    def _start(self, prototypes: int) -> None:
        """What training starts from: the model with more prototypes."""
        folder = resolve(self.model, "pdm")
        pipeline = load_pipeline(folder, "pdm")
        start = widened(pipeline, new_prototypes(pipeline.bank, self.new.images, prototypes))
        with atomic_folder(self.work / "start") as part:
            start.save_pretrained(part)
            write_json(part / CARD, denoiser_card(folder))

    def _config(self, minutes: float, prototypes: int) -> tuple[TrainConfig, dict[str, float]]:
        """The model's own configuration, for as many steps as fit into the minutes."""
        folder = self.work / "start"
        card = denoiser_card(folder)
        expect(f"{self.model}: {CARD}", sorted(card), "a training card with the configuration", "config" in card)
        own = TrainConfig.from_dict(card["config"])
        expect(f"{self.model}: supervised", True, "prototypes that stand for no classes", not own.prototypes.supervised)
        options = replace(
            own.prototypes,
            count=own.prototypes.count + prototypes,
            settle_steps=1_000_000,  # while the pace is measured
            learning_rate=RATE * own.prototypes.learning_rate,
        )
        begins = {"start": str(folder.resolve()), "new_net": False, "net_from": None}  # wherever its own net began
        config = replace(own, **begins, prototypes=options, seed=self.seed)
        pace = measure(config, self.data, baseline=False, labelled=False, cpu=self.cpu)
        steps = max(LEAST, int(60 * FOR_PROTOTYPES * minutes / pace.prototype_step))
        batches = max(LEAST, int(60 * (1 - FOR_PROTOTYPES) * minutes / pace.image) // own.optim.batch_size)
        images = batches * own.optim.batch_size
        planned = {PROTOTYPES: steps * pace.prototype_step / 60, DENOISER: images * pace.image / 60, MAP: 0.5}
        optim = replace(
            own.optim, images=images, learning_rate=RATE * own.optim.learning_rate, warmup_images=images // 10
        )
        return replace(config, prototypes=replace(options, settle_steps=steps), optim=optim), planned

    def _learn(self, config: TrainConfig, line: Line) -> None:
        recover(self.out / "pdm")
        if (self.out / "pdm").is_dir():
            line.skip(PROTOTYPES, DENOISER)
            return
        folder, shown = self.work / "pdm", line.of({"prototypes": PROTOTYPES, "denoiser": DENOISER})
        recover(folder / PIPELINE)
        if not (folder / PIPELINE).is_dir():
            train(config, self.data, folder, cpu=self.cpu, shown=shown)
        put(folder / PIPELINE, self.out / "pdm")
        line.end(PROTOTYPES, DENOISER)

    def _map(self, line: Line) -> None:
        recover(self.out / "map")
        if (self.out / "map").is_dir():
            return
        line.at(MAP, 0, 1)
        count = usual_count(self.old.images.shape[-1])
        once = mixed(self.old.subset(slice(max(1, count - len(self.new)))), self.new, share=0.0)
        bank = load_pipeline(self.out / "pdm", "pdm").bank
        save_map(fit_map(bank, once, self.seed), self.out / "map")
