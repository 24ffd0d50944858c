"""Schemas that were made before are those that would be made: a server that starts reads them."""

from __future__ import annotations

import json

from fly_mcp_server import schemas
from fly_mcp_server.docs_command import FILES
from fly_mcp_tools import schema
from fly_mcp_tools.catalogue import ACTIONS


def test_each_model_of_each_row_is_in_the_file_as_it_would_be_made() -> None:
    """House rule 18: what can be generated is generated and checked; a stale one would be listed."""
    rows = json.loads(schemas.made())
    for action in ACTIONS.values():
        for model in (action.params, action.result):
            assert rows[schema.key(model)] == schema.make(model)


def test_no_two_models_have_one_key() -> None:
    """Else one would be listed with the other's schema."""
    models = {model for action in ACTIONS.values() for model in (action.params, action.result)}
    assert len({schema.key(model) for model in models}) == len(models)


def test_the_file_is_among_those_that_are_checked() -> None:
    """`fly-mcp docs --check` runs in CI."""
    assert f"server/fly_mcp_server/{schemas.FILE}" in FILES
