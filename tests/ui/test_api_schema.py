"""The public endpoints, as scripts of others know them: names, parameters and types stay, or change on purpose."""

import json
import os
from pathlib import Path

from pdm.ui.api import pictures
from pdm.ui.guard.blocks import GuardedBlocks
from tests.one_model import OneModel

STORED = Path(__file__).with_name("api_schema.json")
RENEW = "PDM_RENEW_API=1 python -m pytest -n 0 tests/ui/test_api_schema.py"


def schema(studio) -> dict:
    """endpoint -> its parameters (name, type, default) and the types of what it returns."""
    with GuardedBlocks() as page:
        pictures.build(OneModel(studio))
    return {
        name: {
            "parameters": [
                {
                    "name": p["parameter_name"],
                    "type": p["python_type"]["type"],
                    **({"default": p["parameter_default"]} if p["parameter_has_default"] else {}),
                }
                for p in endpoint["parameters"]
            ],
            "returns": [r["python_type"]["type"] for r in endpoint["returns"]],
        }
        for name, endpoint in page.get_api_info()["named_endpoints"].items()
    }


def test_the_public_endpoints_are_those_that_were_stored(studio):
    now = schema(studio)
    if os.environ.get("PDM_RENEW_API"):
        STORED.write_text(json.dumps(now, indent=1) + "\n")
    stored = json.loads(STORED.read_text())
    changed = [name for name in sorted({*now, *stored}) if now.get(name) != stored.get(name)]
    said = "\n".join(f"{name}: stored {stored.get(name)}, now {now.get(name)}" for name in changed)
    assert not changed, f"the public API is another one; if that is meant, `{RENEW}` stores it anew.\n{said}"
