"""HTML that a script of its own draws, from a value that travels as one string."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

LATEST_VALUE = "const latest = () => props.value ? JSON.parse(props.value) : null;\n"


class Scripted(gr.HTML):
    """`value`: plain JSON, which the script gets from `latest()`. Events are the names that the script triggers.

    As one string, because at every event the page copies the values of all components, number by number: a tenth of a
    second on two cores for the stars of the map and the lists beside it.
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
