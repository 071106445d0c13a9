"""`python -m pdm data`: a data set that ships, made again from the packages it comes from."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from pdm.commands.parser import add_command

FLUENT, TWEMOJI = "@lobehub/fluent-emoji-3d", "emoji-datasource-twitter"  # packages of npm
NOTO = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")  # Debian's fonts-noto-color-emoji


def add_data(subparsers) -> None:
    parser = add_command(
        subparsers,
        "data",
        data,
        "make a data set that ships again, from installed packages",
        "Make the emoji data set again (64 px on white, eight classes, three styles) as Parquet files, byte for byte\n"
        f"the same from the same packages: npm's {FLUENT} (MIT) and {TWEMOJI}\n"
        "(CC BY 4.0), and the font of Debian's fonts-noto-color-emoji (OFL 1.1), which fonttools reads. The folder\n"
        "gets a NOTICE with the licences, which must go with the pictures.",
        "data emoji --packages node_modules --out runs/data/emoji",
    )
    option = parser.add_argument
    option("name", choices=("emoji",), help="the data set")
    option("--packages", type=Path, default=Path("node_modules"), metavar="DIR", help="of npm (default: node_modules)")
    option("--font", type=Path, default=NOTO, metavar="FILE", help=f"default: {NOTO}")
    option("--out", type=Path, required=True, help="folder to write")


def data(arguments: Namespace) -> str:
    from pdm.data.emoji import make

    sizes = make(arguments.packages / FLUENT, arguments.font, arguments.packages / TWEMOJI, arguments.out)
    return f"wrote {sizes['train']:,} pictures to train on and {sizes['test']:,} held out to {arguments.out}"
