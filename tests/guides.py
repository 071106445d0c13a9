"""Pipelines with a guide."""

from pdm.pipelines.rdm import RDMPipeline


def with_guide(pipeline, guide):
    """The pipeline with this guide; its other parts are the same."""
    parts = {**pipeline.components, "guide": guide}
    other = type(pipeline)(**parts, **({"top_m": 0.1} if isinstance(pipeline, RDMPipeline) else {}))
    other.set_progress_bar_config(disable=True)
    return other
