"""Plotly's script, which draws the map and the figures in the browser, as its Python package brings it along."""

from __future__ import annotations

from pathlib import Path

import plotly

from pdm.ui.components.served import url_of

PLOTLY_JS = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
HEAD = f'<script src="{url_of(PLOTLY_JS)}"></script>'  # Gradio adds it once, whichever component asks first
