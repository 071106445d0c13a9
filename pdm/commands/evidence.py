"""What the subcommands do that measure models and report it."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from pdm.commands.common import check_channels, progress_bars

if TYPE_CHECKING:
    import torch
    from accelerate import PartialState

    from pdm.data.images import ImageData
    from pdm.evaluation.featurenet import FeatureNet
    from pdm.evaluation.references import References


def evaluate(arguments: Namespace) -> str | None:
    from pdm.evaluation.drawing import VARIANTS, Sampling
    from pdm.evaluation.evaluate import FEATURES, PER_PROTOTYPE, RESULTS
    from pdm.evaluation.evaluate import evaluate as run
    from pdm.evaluation.queries import draw_like
    from pdm.pipelines.checks import check_sampling
    from pdm.pipelines.loading import load_pipeline, model_folder
    from pdm.sampling.solvers import make_scheduler
    from pdm.support.device import fastest_dtype

    sampling = Sampling(
        samples=arguments.samples,
        steps=arguments.steps,
        guidance=arguments.guidance,
        seed=arguments.seed,
        sampler=arguments.sampler,
        guidance_interval=arguments.guidance_interval,
    )
    check_sampling(sampling.steps, sampling.guidance, sampling.guidance_interval or (0.0, float("inf")))
    if arguments.queries_of is not None and arguments.method != "pdm":
        raise ValueError(f"--queries-of: expected --method pdm beside it, got {arguments.method}")
    processes, device = _processes(arguments.device)
    pipeline = load_pipeline(arguments.model, arguments.method, device, fastest_dtype(device))
    train_data, test = _splits(arguments, pipeline.denoiser.config.image_size)
    check_channels(train_data, pipeline.denoiser.config.channels)
    if sampling.sampler is not None:
        if not pipeline.by_student(sampling.sampler, sampling.steps):
            make_scheduler(sampling.sampler, pipeline.denoiser.config.preconditioning)  # refuses an unknown one
    if arguments.features == "inception":
        references = _inception_references(arguments, train_data, test, processes, device)
    else:
        references = _references(arguments, train_data, test, processes, model_folder(arguments.model) / "classifier")
    variants, per_prototype = VARIANTS[arguments.method], PER_PROTOTYPE
    if arguments.queries_of is not None:
        per_prototype = 0  # what single prototypes paint does not depend on queries
        rdm = load_pipeline(arguments.queries_of, "rdm", device, fastest_dtype(device))
        variants = (draw_like(pipeline, rdm, train_data),)
    result = run(
        pipeline,
        train_data,
        references,
        sampling,
        variants=variants,
        out=arguments.out,
        floor=arguments.noise_floor,
        per_prototype=per_prototype,
        about={"command": arguments.command, "model": arguments.model, "method": arguments.method},
    )
    if not processes.is_main_process:
        return None
    for name, values in result["quality"].items():
        floor = result.get("noise_floor", {}).get(name, {}).get("frechet")
        beside = "" if floor is None else f", noise floor {floor:.3f}"
        net, samples = result["feature_net"], sampling.samples
        measure = "FID" if arguments.features == "inception" else "Frechet distance"
        print(f"{name}: {measure} {values['frechet']:.3f} ({net}, {samples} samples{beside})")
    return f"wrote {RESULTS} and {FEATURES} to {arguments.out}"


def ablate(arguments: Namespace) -> str | None:
    from pdm.config import PRESETS
    from pdm.evaluation.drawing import Sampling
    from pdm.experiments.ablation.ablate import RESULTS, Ablation
    from pdm.experiments.ablation.ablate import ablate as run
    from pdm.experiments.ablation.ablation_table import table
    from pdm.experiments.ablation.rows import DEFAULT, chosen_rows
    from pdm.support.paths import ASSETS

    names = chosen_rows(arguments.only)
    sampling = Sampling(arguments.samples, arguments.steps, seed=arguments.seed, sampler="dpm++2m")
    processes, device = _processes(arguments.device)
    train_data, test = _splits(arguments, arguments.size or PRESETS[DEFAULT].image_size)
    references = _references(arguments, train_data, test, processes, ASSETS / train_data.name / "classifier")
    ablation = Ablation(
        arguments.out,
        train_data,
        references,
        arguments.net,
        arguments.images,
        sampling,
        device,
        command=_without_rows(arguments),
    )
    results, left = run(ablation, names, max_minutes=arguments.max_minutes)
    if not processes.is_main_process:
        return None
    print(table(results))
    if left:
        return f"stopped after --max-minutes; run the same command again to go on with {', '.join(left)}"
    return f"wrote {', '.join(names)} to {arguments.out / RESULTS}"


def bench(arguments: Namespace) -> str:
    from pdm.experiments.bench.run import run, sections
    from pdm.pipelines.loading import shipped_model

    chosen = sections(arguments.only)
    table = run(
        arguments.json,
        chosen,
        assets=arguments.assets or shipped_model("fashion-mnist"),
        data_set=arguments.data,
        command=_all_sections(arguments),
        device=arguments.device,
        quick=arguments.quick,
    )
    return f"{table}\nwrote {', '.join(chosen)} to {arguments.json}"


def _all_sections(arguments: Namespace) -> str:
    """The command for all sections, with every option that shapes the numbers."""
    names = ("json", "assets", "data", "device")
    options = [(f"--{name}", str(getattr(arguments, name))) for name in names if getattr(arguments, name) is not None]
    return shlex.join(["python", "-m", "pdm", "bench", *(text for option in options for text in option)])


def curves(arguments: Namespace) -> str:
    from pdm.experiments.bench.sections import Bench
    from pdm.experiments.curves.curve import Lab
    from pdm.experiments.curves.run import chosen_curves, run
    from pdm.pipelines.loading import model_folder
    from pdm.support.device import pick_device

    names = chosen_curves(arguments.only)
    path = arguments.json
    bench = Bench(model_folder(arguments.model), arguments.data, pick_device(arguments.device), arguments.quick)
    lab = Lab(bench, arguments.samples, arguments.seed, path.with_name(f".{path.stem}.lookup"))
    run(path, names, lab, arguments.command)
    return f"wrote {', '.join(names)} to {path}"


def report(arguments: Namespace) -> str:
    from pdm.experiments.report import missing_files, shipped_reports, write_report
    from pdm.results.shapes import SHIPPED
    from pdm.support.paths import ASSETS

    folder, readme = arguments.results, arguments.readme
    if folder is None:
        if readme is not None:
            raise ValueError(f"--results: expected a folder of results beside --readme {readme}, got none")
        pairs = shipped_reports()
        if not pairs:
            raise ValueError(f"--results: expected a folder of results, or {ASSETS / SHIPPED} to ship some, got none")
    elif not folder.is_dir():
        raise ValueError(f"--results {folder}: expected a folder of results, got none")
    else:
        pairs = [(readme or folder.parent / "README.md", folder)]
    missing = [name for readme, folder in pairs for name in missing_files(folder, write_report(readme, folder))]
    written = ", ".join(dict.fromkeys(str(readme) for readme, _ in pairs))
    return f"wrote the tables to {written}" + (f"; not measured: {', '.join(missing)}" if missing else "")


def _splits(arguments: Namespace, size: int) -> tuple[ImageData, ImageData]:
    from pdm.data.images import load

    train, test = (load(arguments.data, split, size, arguments.limit) for split in ("train", "test"))
    return train, test


def _without_rows(arguments: Namespace) -> str:
    """The command for all rows, with every option that shapes the numbers."""
    names = (
        "out",
        "net",
        "images",
        "data",
        "limit",
        "size",
        "classifier",
        "reference",
        "samples",
        "steps",
        "seed",
        "device",
    )
    options = [(f"--{name}", str(getattr(arguments, name))) for name in names if getattr(arguments, name) is not None]
    return shlex.join(["python", "-m", "pdm", "ablate", *(text for option in options for text in option)])


def _processes(name: str) -> tuple[PartialState, torch.device]:
    """All processes of this launch, and this one's device: of several, each takes a GPU of its own."""
    from accelerate import PartialState

    from pdm.support.device import pick_device

    device = pick_device(name)
    processes = PartialState(cpu=device.type == "cpu")
    own = processes.device if device.type == "cuda" else None
    return processes, own or device


def _references(
    arguments: Namespace, train: ImageData, test: ImageData, processes: PartialState, shipped: Path
) -> References:
    """Features of the real images; one process makes what is not there yet, the others find it."""
    from pdm.evaluation.featurenet import DIM, load_feature_net
    from pdm.evaluation.quality import check_sample_count
    from pdm.evaluation.references import cached_references

    with processes.main_process_first():
        folder = _existing_net(arguments.classifier, shipped, arguments.out)
        net = None if folder is None else load_feature_net(folder)
        check_sample_count(arguments.samples, DIM if net is None else net.config.dim)
        net = net or _trained_net(train, test, arguments.out / "classifier")
        return cached_references(net, train, test, arguments.reference, arguments.cache)


def _inception_references(
    arguments: Namespace, train: ImageData, test: ImageData, processes: PartialState, device: torch.device
) -> References:
    """The same on the standard feature net."""
    from pdm.evaluation.inception import DIM, load_inception
    from pdm.evaluation.quality import check_sample_count
    from pdm.evaluation.references import cached_references

    if arguments.classifier is not None:
        raise ValueError(f"--classifier: expected none beside --features inception, got {arguments.classifier}")
    check_sample_count(arguments.samples, DIM)
    with processes.main_process_first():
        return cached_references(load_inception(device), train, test, arguments.reference, arguments.cache)


def _existing_net(given: Path | None, shipped: Path, out: Path) -> Path | None:
    """The folder of the given feature net, else of the shipped one, else of one trained before."""
    if given is not None:
        return given
    return next((folder for folder in (shipped, out / "classifier") if folder.is_dir()), None)


def _trained_net(train: ImageData, test: ImageData, folder: Path) -> FeatureNet:
    """A feature net trained now and kept in `folder`."""
    from pdm.evaluation.featurenet import save_feature_net, train_classifier

    with progress_bars() as report:
        net = train_classifier(train, report=lambda step, of, loss: report("feature net", step, of, loss))
    card = {
        "name": net.config.name,
        "data_set": train.name,
        "data_hash": train.hash(),
        "images": len(train),
        "test_accuracy": net.accuracy(test),
    }
    save_feature_net(net, folder, card)
    return net
