"""The app's quick imports: diffusers and Gradio work as ever, and what was left out can be imported afterwards."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAINTS = """
import sys
from pdm.support.lean_imports import LEFT_OUT, import_diffusers, import_gradio
import_diffusers()
from diffusers import DPMSolverMultistepScheduler, UNet2DConditionModel
import torch
assert torch.compiler.disable.__module__ == "torch.compiler"
import_gradio()
import gradio as gr
from pdm.ui.components.picture_grid import PictureGrid
with gr.Blocks() as page:
    PictureGrid(elem_id="made").pick(lambda: None)
left = sorted(name for name in LEFT_OUT if name in sys.modules)
import torch._dynamo, scipy
print(left, sys.modules["torch._dynamo"].__name__)
"""
FALLS_BACK = """
import pdm.support.lean_imports as lean
lean.LEFT_OUT = (*lean.LEFT_OUT, "diffusers.hooks")  # diffusers can't do without
lean.import_diffusers()
import diffusers
print(diffusers.UNet2DConditionModel.__name__, diffusers.utils.is_scipy_available())
"""


def said(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_what_no_picture_needs_is_not_imported_and_can_be_later():
    assert said(PAINTS) == "[] torch._dynamo"


@pytest.mark.slow
def test_a_diffusers_that_needs_more_is_imported_as_it_is():
    assert said(FALLS_BACK) == "UNet2DConditionModel True"
