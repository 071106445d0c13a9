"""Help and wrong arguments of the commands."""

import shlex

import pytest

from pdm.cli import build_parser
from tests.command_line import call, refused
from tests.commands.test_cli import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_that_the_command_understands(name, capfd):
    assert call(name, "--help") == 0
    text = capfd.readouterr().out
    example = text[text.index("example:") :].splitlines()[1].strip()
    assert example.startswith(f"python -m pdm {name} ")
    arguments = build_parser().parse_args(shlex.split(example)[3:])
    assert arguments.run.__name__ == {"map": "make_map"}.get(name, name)


def test_the_commands_are_listed_with_what_they_do(capfd):
    assert call("--help") == 0
    text = capfd.readouterr().out
    assert all(name in text for name in COMMANDS) and "for example: python -m pdm sample --help" in text


# Wrong arguments


SAMPLE = [
    (("--model", "nowhere"), "model: expected a folder"),
    (("--model", "someone/no-such-model"), "a hub id that can be reached"),
    (("--prototypes", "99"), "prototypes: expected whole numbers from 0 to 7, got 99"),
    (("--index", "hnsw"), "--memory, --index: expected --method rdm beside them, got --method pdm"),
    (("--method", "rdm", "--memory", "nowhere"), "memory nowhere: expected one of version 1 that"),
    (("--prototypes=-1",), "prototypes: expected whole numbers from 0 to 7, got -1"),
    (("--prototypes", "1,1"), "each only once"),
    (("--prototypes", "one"), "expected whole numbers with commas between, got 'one'"),
    (("--prototypes", ""), "expected whole numbers with commas between, got ''"),
    (("--prototypes", "1,2", "--weights", "1"), "weights: expected 2, one for each prototype, got 1"),
    (("--prototypes", "1,2", "--weights", "0,0"), "weights: expected finite numbers of at least 0 that do not sum to"),
    (("--prototypes", "1,2", "--weights", "1,nan"), "weights: expected finite numbers"),
    (("--prototypes", "1,2", "--weights", "1,inf"), "weights: expected finite numbers"),
    (("--prototypes", "1,2", "--weights", "a,b"), "expected numbers with commas between"),
    (("--prototypes", "1,2", "--weights=-1,2"), "weights: expected finite numbers of at least 0"),
    (("--weights", "1"), "--weights: expected --prototypes beside them"),
    (("--method", "rdm", "--prototypes", "1"), "expected --method pdm beside them, got --method rdm"),
    (("--method", "gan"), "argument --method: invalid choice"),
    (("--sampler", "plms"), "sampler: expected one of dpm++2m"),
    (("--guidance", "nan"), "guidance_scale: expected a finite number"),
    (("--guidance", "-1"), "guidance_scale: expected a finite number of at least 0"),
    (("--steps", "0"), "argument --steps: expected a whole number of at least 1, got '0'"),
    (("--count", "0"), "argument --count: expected a whole number of at least 1, got '0'"),
    (("--count", "many"), "argument --count: expected a whole number of at least 1, got 'many'"),
    (("--seed", "-1"), "argument --seed: expected a whole number of at least 0"),
    (("--seed", str(2**64)), "argument --seed: expected a whole number from 0 to 2^62 - 1"),
    (("--device", "tpu"), "argument --device: invalid choice"),
    (("--image", "missing.png"), "--image missing.png: expected a picture"),
    (("--image", "x.png", "--method", "unconditional"), "--image: expected it with --method pdm or rdm"),
    (("--image", "x.png", "--prototypes", "1"), "without --prototypes"),
    (("--colour", "red"), "unrecognized arguments: --colour red"),
]


@pytest.mark.parametrize("options, said", SAMPLE, ids=[" ".join(o) for o, _ in SAMPLE])
def test_a_wrong_option_of_sample_is_one_line_and_writes_nothing(saved, tmp_path, capfd, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    assert said in refused(capfd, "sample", "--model", saved, "--out", "out", *options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((), "the following arguments are required: COMMAND"),
        (("fly",), "invalid choice: 'fly'"),
        (("sample",), "the following arguments are required: --out"),
        (("train", "--preset", "gan"), "argument --preset: invalid choice: 'gan'"),
        (("train", "--max-minutes", "nan"), "expected a number above 0, got 'nan'"),
        (("train", "--memory", "m"), "--memory: expected --preset rdm beside it"),
        (("train", "--new-net"), "--new-net: expected --from-model beside it, got none"),
        (
            ("train", "--new-net", "--from-model", "emoji", "--net-from", "emoji"),
            "--net-from: expected no --new-net beside it, got both",
        ),
        (("train", "--preset", "rdm", "--memory", "m"), "expected a folder written by `python -m pdm memory`"),
        (("train", "--data", "no such/data"), "data set 'no such/data'"),
        (
            ("train", "--data", "someone/no-such-data"),
            "expected a hub id that can be reached, or a local folder or file",
        ),
        (("memory", "--data", "someone/no-such-data", "--out", "m"), "expected a hub id that can be reached"),
        (("memory", "--index", "flat", "--out", "m"), "index: expected exact, hnsw, ivf, qdrant, qdrant:FOLDER or the"),
        (("memory", "--stream", "--out", "m"), "--encoder: expected MODEL/encoder"),
        (("tune",), "the following arguments are required: --model"),
        (("tune", "--model", "nowhere"), "model: expected a folder"),
        (("tune", "--model", "m", "--method", "unconditional"), "argument --method: invalid choice"),
        (("map", "--model", "nowhere", "--out", "m"), "model: expected a folder"),
        (("evaluate", "--model", "nowhere", "--out", "m"), "model: expected a folder"),
        (("evaluate", "--model", "fashion-mnist", "--samples", "1", "--out", "m"), "at least 2, got '1'"),
        (("evaluate", "--model", "fashion-mnist", "--guidance", "nan", "--out", "m"), "guidance_scale: expected"),
        (("evaluate", "--model", "x", "--method", "rdm", "--queries-of", "x", "--out", "m"), "expected --method pdm"),
        (("evaluate", "--model", "x", "--features", "own,own", "--out", "m"), "each once, got 'own'"),
        (("evaluate", "--model", "x", "--features", "vgg", "--out", "m"), "some of own, efficientnet-lite0"),
        (
            ("evaluate", "--model", "x", "--method", "rdm", "--per-prototype", "4", "--out", "m"),
            "--per-prototype: expected --method pdm alone or 0, got 4 beside rdm",
        ),
        (
            ("evaluate", "--model", "x", "--queries-of", "y", "--per-prototype", "4", "--out", "m"),
            "got 4 beside --queries-of",
        ),
        (("evaluate", "--model", "x", "--guidance-interval", "1", "--out", "m"), "expected two numbers with a comma"),
        (("ablate", "--out", "m", "--only", "pdm,gan"), "--only: expected some of unconditional"),
        (("bench", "--json", "b.json", "--only", "sped"), "--only: expected some of prototypes"),
        (("curves", "--json", "c.json", "--only", "sped"), "--only: expected some of time_by_batch"),
        (("bench", "--json", ".", "--only", "memory"), "Is a directory"),
    ],
)
def test_wrong_arguments_of_any_command_are_one_line_and_write_nothing(tmp_path, capfd, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert said in refused(capfd, *arguments)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_clip_without_a_network_is_one_line_that_names_the_way_out(pictures, tmp_path, capfd):
    message = refused(capfd, "memory", "--data", pictures, "--size", 16, "--encoder", "clip", "--out", tmp_path / "m")
    assert "--encoder own" in message and not (tmp_path / "m").exists()
