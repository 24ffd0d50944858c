"""The schemas of all rows, made when the documentation is generated: making them costs a tenth of the start-up time.

Only a server that is started reads them; everything else, the tests first, makes its own, and a check compares.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final

from fly_mcp_tools import schema
from fly_mcp_tools.catalogue import ACTIONS

FILE: Final = "schemas.json"


def read() -> None:
    """Have the schemas that were made before used from now on."""
    text = resources.files("fly_mcp_server").joinpath(FILE).read_text(encoding="utf-8")
    schema.know(json.loads(text))


def made() -> str:
    """The file as it is to be: JSON, a line a model."""
    models = dict.fromkeys(model for action in ACTIONS.values() for model in (action.params, action.result))
    rows: dict[str, dict[str, Any]] = {schema.key(model): schema.make(model) for model in models}
    lines = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(row, ensure_ascii=False, separators=(',', ':'))}"
        for name, row in rows.items()
    )
    return f"{{\n{lines}\n}}\n"
