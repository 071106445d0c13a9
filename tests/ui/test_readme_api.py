"""The README's example of the API, run against the real app."""

from tests.documents import examples


def test_the_readmes_api_example_runs(app_url):
    (code,) = [block for block in examples("python") if "gradio_client" in block]
    assert "http://127.0.0.1:7860" in code
    names: dict = {}
    exec(code.replace("http://127.0.0.1:7860", app_url), names)  # noqa: S102
    assert len(names["files"]) == 4
