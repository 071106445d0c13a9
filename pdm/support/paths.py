"""Where the package lies, and the models that ship beside it."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # the folder that holds the package: what runs `-m pdm...` starts here
ASSETS = Path(os.environ.get("PDM_ASSETS") or ROOT / "assets")
