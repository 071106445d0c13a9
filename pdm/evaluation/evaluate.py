"""Measure a trained pipeline: distances to real images on named feature nets, prototypes, fidelity, copies.

A Frechet distance is called FID on InceptionV3's features alone. Every result names its feature net, sample count,
reference split, sampler, steps, guidance and seed.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from accelerate import PartialState

from pdm.data.images import ImageData
from pdm.evaluation.differences import noise_floor
from pdm.evaluation.drawing import Pipeline, Sampling, Variant, draw_batch
from pdm.evaluation.feature_file import write_features
from pdm.evaluation.quality import check_sample_count, fidelity_of, prototype_usage, quality, single_prototype_features
from pdm.evaluation.references import Net, References
from pdm.metrics.frechet import frechet_distance
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.pdm import PDMPipeline
from pdm.results.versions import VERSIONS, read_results
from pdm.sampling.student import STUDENT
from pdm.support.files import as_json, write_json
from pdm.support.hashing import weights_hash
from pdm.support.parts import Parts

RESULTS, FEATURES = "evaluation.json", "features.parquet"
PARTS = "parts"  # the folder of features that a run has come to
VERSION = VERSIONS["evaluate"]
FIDELITY = "fidelity"  # the parts that hold features of single prototypes' images
PROTOTYPES_A_PART = 4
PER_PROTOTYPE = 16  # images for the fidelity of each


def sampler_name(pipeline: Pipeline, sampling: Sampling) -> str:
    """What paints the samples: the sampler asked for, else the student or the pipeline's own scheduler."""
    own = STUDENT if pipeline.by_student(None, sampling.steps) else type(pipeline.scheduler).__name__
    return sampling.sampler or own


def evaluate(
    pipeline: Pipeline,
    train: ImageData,
    references: Mapping[Path, References],
    sampling: Sampling,
    *,
    variants: Sequence[Variant],
    floor: bool = False,
    per_prototype: int = PER_PROTOTYPE,
    about: dict | None = None,
    quiet: bool = False,
) -> dict[Path, dict]:
    """All measurements of one pipeline as plain JSON values, by the folder that they are written to.

    `references`: the real images on each feature net, by its folder of results. The samples are drawn once for all of
    them, and their features lie beside the results. A run that was stopped goes on where it was; what is done is read.
    Processes that were launched together share the samples out. `floor`: measure each variant twice, on other seeds,
    to say how far that takes two measurements apart. `per_prototype`: images for the fidelity of each prototype; 0
    leaves it out. `about`: what else to record, such as the command. Raises ValueError where a folder holds other
    results, and for too few samples.
    """
    for of_net in references.values():
        check_sample_count(sampling.samples, of_net.features.shape[1])
    conditioned = any(not v.unconditional for v in variants)
    bank = pipeline.bank if isinstance(pipeline, PDMPipeline) and conditioned else None  # whose use is measured
    per_prototype = per_prototype if bank is not None else 0
    settings = {
        out: _settings(pipeline, train, of_net, sampling, variants, floor, per_prototype)
        for out, of_net in references.items()
    }
    missing = {out: of_net for out, of_net in references.items() if finished(out, settings[out]) is None}
    folder = next(iter(references)) / PARTS
    if missing:
        processes = PartialState(cpu=pipeline.denoiser.device.type == "cpu")
        parts = Parts(folder, {"of": [settings[out] for out in missing]}, processes, quiet=quiet)
        _make_features(parts, pipeline, [r.net for r in missing.values()], sampling, variants, floor, per_prototype)
        if processes.is_main_process:
            about = {"version": VERSION, **(about or {}), "processes": processes.num_processes}
            of_bank = {} if bank is None else _of_prototypes(bank, train, parts, sampling, per_prototype)
            for out, features in _by_folder(parts, missing, variants).items():
                measured = _measured(features, missing[out], sampling)
                write_features(out / FEATURES, features, sampling.seed)
                write_json(out / RESULTS, {**about, **settings[out], **measured, **of_bank})
        processes.wait_for_everyone()
    shutil.rmtree(folder, ignore_errors=True)  # here, as a kill may have come between the results and their end
    results = {out: finished(out, settings[out]) for out in references}
    return {out: result for out, result in results.items() if result is not None}  # all of them, by now


def _by_folder(
    parts: Parts, references: Mapping[Path, References], variants: Sequence[Variant]
) -> dict[Path, dict[str, torch.Tensor]]:
    """The features (N, D) of each variant, by the folder of the net that they are of."""
    widths = [of_net.features.shape[1] for of_net in references.values()]
    found: dict[Path, dict[str, torch.Tensor]] = {out: {} for out in references}
    for variant in variants:
        for out, columns in zip(references, parts.rows(variant.name).split(widths, 1), strict=True):
            found[out][variant.name] = columns.contiguous()
    return found


def _of_prototypes(
    bank: PrototypeBank, train: ImageData, parts: Parts, sampling: Sampling, per_prototype: int
) -> dict[str, dict]:
    """How the prototypes are used, and where the images of each of them land."""
    measured = {"prototypes": prototype_usage(bank, train)}
    if per_prototype:
        z = parts.rows(FIDELITY).reshape(bank.count * per_prototype, -1)
        measured["fidelity"] = fidelity_of(z, bank, sampling)
    return measured


def finished(out: Path, settings: dict) -> dict | None:
    """The results of these settings in `out`, None where there are none; raises ValueError for results of others."""
    found = read_results(out / RESULTS, VERSION)
    if found is None:
        return None
    other = [name for name, value in as_json(settings).items() if found.get(name) != value]
    if other:
        raise ValueError(
            f"{out / RESULTS}: expected results of these settings, got others ({', '.join(other)}); "
            "choose another --out, or the same options"
        )
    return found


def _settings(
    pipeline: Pipeline,
    train: ImageData,
    references: References,
    sampling: Sampling,
    variants: Sequence[Variant],
    floor: bool,
    per_prototype: int,
) -> dict:
    """Everything that the numbers depend on."""
    parts = {name: part for name, part in pipeline.components.items() if isinstance(part, torch.nn.Module)}
    return {
        "feature_net": references.net.config.name,
        "feature_net_hash": weights_hash({"net": references.net}),
        "data_set": train.name,
        "data_hash": train.hash(),
        "reference": {"split": references.split, "images": len(references.features)},
        "sampling": asdict(sampling) | {"sampler": sampler_name(pipeline, sampling)},
        "variants": [asdict(variant) for variant in variants],
        "with_noise_floor": floor,
        "fidelity_per_prototype": per_prototype,
        "model_hash": weights_hash(parts),
        "precision": str(pipeline.denoiser.dtype).removeprefix("torch."),
    }


def _make_features(
    parts: Parts,
    pipeline: Pipeline,
    nets: Sequence[Net],
    sampling: Sampling,
    variants: Sequence[Variant],
    floor: bool,
    per_prototype: int,
) -> None:
    """What takes time, so it is kept part by part.

    The features of all samples, those of all nets beside each other in a row, and of samples of single prototypes.
    """
    for variant in variants:

        def drawn(start: int, count: int, variant: Variant = variant) -> torch.Tensor:
            images = draw_batch(pipeline, sampling, variant, start, count)
            return torch.cat([net.features(images) for net in nets], 1)

        parts.make(variant.name, sampling.samples * (2 if floor else 1), sampling.batch_size, drawn)
    if per_prototype and isinstance(pipeline, PDMPipeline):

        def single(start: int, count: int) -> torch.Tensor:
            made = [single_prototype_features(pipeline, sampling, start + k, per_prototype) for k in range(count)]
            return torch.stack(made).flatten(1)

        parts.make(FIDELITY, pipeline.bank.count, PROTOTYPES_A_PART, single)


def _measured(features: dict[str, torch.Tensor], references: References, sampling: Sampling) -> dict:
    """The quality of each variant's first samples; where there are as many again, theirs and the distance to it.

    Beside it, the Frechet distance that real images get.
    """
    real = frechet_distance(references.test, references.train)
    result: dict = {"train_test_frechet": real, "quality": {}}
    for name, values in features.items():
        first, *more = values.split(sampling.samples)
        result["quality"][name] = quality(first, references, sampling.seed)
        for second in more:
            again = quality(second, references, sampling.seed + sampling.samples)
            result.setdefault("quality_again", {})[name] = again
            result.setdefault("noise_floor", {})[name] = noise_floor(result["quality"][name], again)
    return result
