"""A batch as files to download: its pictures in a zip, or on one sheet, enlarged so that every pixel stays sharp."""

from __future__ import annotations

import base64
import io
import zipfile

import gradio as gr
from PIL import Image

from pdm.app.library import Library
from pdm.app.studio import Studio
from pdm.data.images import to_pil
from pdm.data.tiles import tiled
from pdm.pipelines.recipe import png_bytes
from pdm.ui.generate.asked import shown_batch
from pdm.ui.generate.batches import across
from pdm.ui.shared.events import QUICK
from pdm.ui.shared.keeping import DOWNLOAD
from pdm.ui.shared.session import Batch, BatchHistory

SIDE = 512  # pixels that a picture of the zip has a side, at least
SHEET_SIDE = 128  # of one on a sheet
DAY = (1980, 1, 1, 0, 0, 0)  # of the files in a zip: the same pictures make the same bytes


class BatchFiles:
    """Laid out in the current row. `file` is a file for `DOWNLOAD`, which others may set too."""

    def __init__(self, library: Library):
        self.library = library
        self.zip = gr.Button("Download all", size="sm", elem_id="download-all")
        self.sheet = gr.Button("Contact sheet", size="sm", elem_id="contact-sheet")
        self.file = gr.JSON(visible=False)

    def connect(self, made: gr.State) -> None:
        for button, handler in ((self.zip, self.on_zip), (self.sheet, self.on_sheet)):
            button.click(handler, made, self.file, **QUICK).success(None, self.file, None, js=DOWNLOAD)

    def on_zip(self, made: BatchHistory) -> dict:
        batch = shown_batch(made)
        return packed_zip(self.library.get(batch.model), batch)

    def on_sheet(self, made: BatchHistory) -> dict:
        batch = shown_batch(made)
        return packed_contact_sheet(self.library.get(batch.model), batch)


def enlarged(image: Image.Image, side: int, longest: int) -> Image.Image:
    """The picture a whole number of times as large, so that `longest`, a part of it, is `side` pixels at least."""
    times = -(-side // longest)
    return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)


def packed_zip(studio: Studio, batch: Batch) -> dict:
    """Every picture as a PNG with its recipe, as a file for `DOWNLOAD`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:  # PNGs are compressed already
        for i, image in enumerate(batch.tensor()):
            large = enlarged(to_pil(image), SIDE, image.shape[-1])
            name = f"{_name(batch)}-{i + 1:02d}.png"
            file.writestr(zipfile.ZipInfo(name, DAY), png_bytes(large, batch.recipe(studio, i)))
    return {"name": f"{_name(batch)}.zip", "data": base64.b64encode(buffer.getvalue()).decode()}


def packed_contact_sheet(studio: Studio, batch: Batch) -> dict:
    """All pictures on one PNG, as a file for `DOWNLOAD`; inside is the recipe of the first."""
    sheet = tiled(batch.tensor(), min(len(batch), across(len(batch))))
    large = enlarged(sheet, SHEET_SIDE, batch.images.shape[-1])
    data = png_bytes(large, batch.recipe(studio, 0))
    return {"name": f"{_name(batch)}-sheet.png", "data": base64.b64encode(data).decode()}


def _name(batch: Batch) -> str:
    return f"{batch.model}-seed-{batch.request.seed}"
