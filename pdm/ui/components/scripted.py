"""A component that a script of its own draws in the browser, from a value that travels as one string."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr

NAMES = Path(__file__).with_name("names.js").read_text()  # for components that show names of prototypes
NAMES_CSS = """
.named { display: flex; align-items: center; min-width: 0; }
.named i { flex: none; }
.named .stem { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
.named .number { flex: none; white-space: pre; }
"""
LATEST_VALUE = "const latest = () => props.value ? JSON.parse(props.value) : null;\n"


class Scripted(gr.HTML):
    """`value` is anything that JSON can hold; the script gets it from `latest()`. Its events are those it triggers.

    It travels as one string because the page copies the values of all components at every event, number by number: for
    the stars of the map and the lists beside it that took a tenth of a second on two cores.
    """

    def __init__(self, value: Any, *, html: str, css: str, script: str, **kwargs):
        super().__init__(
            value=value,
            html_template=html,
            css_template=css,
            js_on_load=LATEST_VALUE + script,
            apply_default_css=False,
            **kwargs,
        )

    def postprocess(self, value: Any) -> str:
        return json.dumps(value)
