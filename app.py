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
    parser.add_argument("--model", help="what opens first: a folder's name under --assets (default: the first there)")
    parser.add_argument("--assets", type=Path, help="folder of models, by default the one that ships")
    parser.add_argument("--device", default="auto", choices=["auto", "cuda", "mps", "cpu"])
    parser.add_argument("--votes", type=Path, help="file of the blind test's votes (default: runs/votes.sqlite)")
    parser.add_argument("--data", type=Path, help="images of models that ship without: a folder with eurosat/, ...")
    auth = os.environ.get("PDM_AUTH") or None
    parser.add_argument(
        "--auth", default=auth, metavar="USER:PASSWORD", help="who may come in, or a file of such lines"
    )
    read_only, mcp = (os.environ.get(name, "").lower() in ("1", "true") for name in ("PDM_READ_ONLY", "PDM_MCP"))
    parser.add_argument("--read-only", action="store_true", default=read_only, help="no uploads, no votes")
    parser.add_argument("--mcp", action="store_true", default=mcp, help="the public endpoints as MCP tools, too")
    parser.add_argument(
        "--train",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="the Train tab, which reads this machine's folders (default: only where nobody else can reach the app)",
    )
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
