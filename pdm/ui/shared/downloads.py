"""Files that the app makes for a visitor to download."""

from __future__ import annotations

from typing import cast

from gradio.data_classes import FileData
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder


def saved_file(data: bytes, name: str) -> str:
    """The path of a new file in the folder that Gradio serves files from."""
    return save_bytes_to_cache(data, name, get_upload_folder())


def endpoint_file(data: bytes, name: str, mime_type: str) -> FileData:
    """A new file as an endpoint returns it: FileData to the API's signature, a dictionary when it is sent."""
    file = FileData(path=saved_file(data, name), orig_name=name, mime_type=mime_type)
    return cast(FileData, file.model_dump())
