"""Where the page finds the files that Gradio serves as they are."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote


def url_of(path: Path | str) -> str:
    """The address of a file that `gr.set_static_paths` names, behind a path prefix (GRADIO_ROOT_PATH) as well.

    Gradio compares real paths: that of a link is another one.
    """
    return f"{os.environ.get('GRADIO_ROOT_PATH', '').rstrip('/')}/gradio_api/file={quote(str(Path(path).resolve()))}"
