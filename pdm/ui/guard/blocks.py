"""Blocks that look at whatever comes in, and at what goes out where something is wrong, whatever door it came by."""

from __future__ import annotations

import logging
import traceback
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.blocks import Block
from gradio.data_classes import BlocksConfigDict
from gradio.exceptions import ComponentProcessingError
from gradio_client.exceptions import AppError

from pdm.app.gate import Gate
from pdm.data.picture_header import EXPECTED
from pdm.ui.components.page_load import MOST_PICTURE
from pdm.ui.guard.listeners import Listeners
from pdm.ui.guard.quick import QuickTurns
from pdm.ui.guard.uploads import check_values, expected_of
from pdm.ui.guard.visitors import visitor_of

NOT_UNDERSTOOD = "request: expected the values that the page sends, got others"
FAILED = "Something went wrong here. Reload the page, and try again."
DAMAGED = f"picture: expected a whole {EXPECTED}, got a damaged one"
GATED = "waits_at_the_gate"  # marks a handler that does (`pdm.ui.guard.turns.gated`); all others are quick
log = logging.getLogger("pdm.ui")


class GuardedBlocks(gr.Blocks):
    """Every event's raw values are checked before Gradio opens anything; every error leaves as one line of ours.

    `gate`, `listeners` and `painters`, as many threads as the gate lets in, are for `pdm.ui.guard.turns`: a device
    that never answers holds those, and nothing else. Quick events wait for turns of their own.
    """

    def __init__(self, *args, gate: Gate | None = None, **options):
        super().__init__(*args, **options)
        self.gate, self.listeners = Gate() if gate is None else gate, Listeners()
        self.quick = QuickTurns()
        self.painters = ThreadPoolExecutor(self.gate.running, thread_name_prefix="painter")

    def get_config_file(self) -> BlocksConfigDict:
        """Gradio's page refuses files over a size by itself: it is told of the size before pictures are made small.

        What the server takes stays as `launch` was told.
        """
        config = super().get_config_file()
        config["max_file_size"] = MOST_PICTURE
        return config

    async def process_api(self, block_fn: BlockFunction | int, inputs: list[Any], *args, **options) -> dict[str, Any]:
        fn = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        iterator = options.get("iterator", args[2] if len(args) > 2 else None)
        event = options.get("event_data")
        try:
            if iterator is None:
                check_event(fn, inputs, getattr(event, "_data", None))
            if hasattr(fn.fn, GATED):
                return await super().process_api(block_fn, inputs, *args, **options)
            async with self.quick.turn(visitor_of(options.get("request"))):
                return await super().process_api(block_fn, inputs, *args, **options)
        except AppError as error:
            error.print_exception = False  # what a visitor got wrong is no fault to look into
            if fn.api_visibility == "private":  # a script reads text; the page's messages are HTML
                error.message, error.title = plain(error.message), plain(error.title)
            raise
        except Exception as error:
            raise refused(fn, error) from None

    async def postprocess_data(self, block_fn: BlockFunction, predictions: Any, state: Any) -> list[Any]:
        """As Gradio does, but components that a handler says nothing of are left alone.

        Gradio would make each of them anew, with its schema, for every message of every event, and keep it for the
        visitor: most of the time and memory that one took.
        """
        if not isinstance(predictions, dict) or not predictions or not predictions.keys() <= {*block_fn.outputs}:
            return await super().postprocess_data(block_fn, predictions, state)
        said = copy(block_fn)
        said.outputs = [block for block in block_fn.outputs if block in predictions]
        values = [predictions[block] for block in said.outputs]
        sent = iter(await super().postprocess_data(said, values if len(values) > 1 else values[0], state))
        return [next(sent) if b in predictions else None if b.stateful else gr.skip() for b in block_fn.outputs]


def check_event(fn: BlockFunction, inputs: object, event_data: object = None) -> None:
    """Raise gr.Error unless raw values are as many as an event takes, and no file among them is a stranger's."""
    if not isinstance(inputs, list) or len(inputs) < len(fn.inputs):
        raise gr.Error(NOT_UNDERSTOOD, print_exception=False)
    try:
        for block, value in zip(fn.inputs, inputs, strict=False):
            if not block.stateful:  # of a state nobody reads what a client says
                check_values(value, expected_of(block))
        check_values(event_data, expected_of(Block(render=False)))
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error


def refused(fn: BlockFunction, error: Exception) -> gr.Error:
    """What a visitor is told of an error that no handler foresaw; the log says in a line where it was."""
    log.debug("the whole of it", exc_info=error)
    where = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" ({Path(where[0].filename).name}:{where[0].lineno})" if where else ""
    log.warning("event %s: %s%s", fn.api_name or fn.name, type(error).__name__, place)
    if isinstance(error, ComponentProcessingError):
        picture = any(isinstance(block, gr.Image) for block in fn.inputs)
        return gr.Error(DAMAGED if picture else NOT_UNDERSTOOD, print_exception=False)
    understood = not isinstance(error, TypeError | ValueError | AttributeError | LookupError)
    return gr.Error(FAILED if understood else NOT_UNDERSTOOD, print_exception=False)


def plain(text: str) -> str:
    """Text for a toast, which shows HTML: what a visitor or a file named is never markup."""
    return escape(text, quote=False)
