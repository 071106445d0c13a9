"""Start the app: python app.py [--host H] [--port P] [--model NAME] [--device auto|cuda|mps|cpu]"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path

with contextlib.suppress(ImportError):
    import spaces  # noqa: F401 # pyright: ignore[reportMissingImports] - on ZeroGPU, where it must precede torch


def main() -> int:
    parser = argparse.ArgumentParser(prog="app.py", description="Prototype Diffusion Studio in the browser.")
    parser.add_argument("--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=os.environ.get("GRADIO_SERVER_PORT", "7860"))
    parser.add_argument("--model", default="fashion-mnist", help="what opens first: a folder's name under --assets")
    parser.add_argument("--assets", type=Path, help="folder of models, by default the one that ships")
    parser.add_argument("--device", default="auto", choices=["auto", "cuda", "mps", "cpu"])
    parser.add_argument("--votes", type=Path, default=Path("runs/votes.sqlite"), help="file of the blind test's votes")
    parser.add_argument("--data", type=Path, help="folder with the images of models that ship without (eurosat/, ...)")
    options = parser.parse_args()

    from pdm.ui import launch

    try:
        launch.run(**vars(options))
    except (ValueError, OSError) as error:
        print(f"app.py: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
