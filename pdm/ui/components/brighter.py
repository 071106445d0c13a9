"""A switch for dark pictures, such as satellite images: brighter on the screen, the same in every file."""

from __future__ import annotations

from pathlib import Path

from pdm.ui.components.scripted import Scripted

SAID = "Shows pictures brighter on this screen. What you save stays as it is."
CSS = """
svg { position: absolute; }
button {
  border: 1px solid var(--border-color-primary); border-radius: 8px; background: none; color: var(--body-text-color);
  font: inherit; font-size: 13px; padding: 5px 10px; cursor: pointer; white-space: nowrap;
}
button:hover { background: var(--background-fill-secondary); }
button[aria-pressed="true"] { background: var(--color-accent-soft); font-weight: 600; }
button:focus-visible { outline: 2px solid var(--color-accent); outline-offset: 1px; }
"""
# Dark parts become much lighter, light ones a little, and none runs out into white.
CURVE = "".join(f'<feFunc{channel} type="gamma" exponent="0.6"/>' for channel in "RGB")
BUTTON = f"""
<button type="button" aria-pressed="false" title="{SAID}">Brighter</button>
<svg width="0" height="0" aria-hidden="true"><filter id="lighter" color-interpolation-filters="sRGB">
<feComponentTransfer>{CURVE}</feComponentTransfer></filter></svg>
"""


class Brighter(Scripted):
    """Has no value and no events: `page.css` says which pictures it brightens."""

    def __init__(self, **kwargs):
        super().__init__(
            None,
            html=BUTTON,
            css=CSS,
            script=Path(__file__).with_suffix(".js").read_text(),
            **kwargs,
        )
