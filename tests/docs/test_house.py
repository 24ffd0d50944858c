"""The house rules that a machine can check, over the code as it lies in a checkout."""

from __future__ import annotations

import ast
import io
import re
import statistics
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from .checkout import ROOT, SOURCES, in_a_checkout, modules

pytestmark = in_a_checkout

_MOST_LINES, _MEDIAN_LINES = 400, 150
#: Who must not know of whom.
_BANNED = {
    "tools": {"mcp", "mcp_types", "fly_mcp_server", "fly_mcp_emulator"},
    "emulator": {"mcp", "mcp_types", "fly_mcp_server", "fly_mcp_tools"},
}
_SUPPRESSION = re.compile(r"#\s*(?:type:\s*ignore|pyright:\s*ignore|noqa)\b")
_WITH_CODE = re.compile(
    r"#\s*(?:(?:type|pyright):\s*ignore\[[\w, -]+\]|noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)(?P<why>.*)"
)


def imports(path: Path) -> Iterator[str]:
    """The first name of everything a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every comment; what stands in a string is none."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def test_no_module_is_longer_than_400_lines_and_half_are_no_longer_than_150() -> None:
    """House rule 4: a module has one subject. Catalogue files are lists, and may be longer."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules(*SOURCES)}
    assert len(lengths) > 50
    long = [
        f"{path.relative_to(ROOT)}: {lines}"
        for path, lines in lengths.items()
        if lines > _MOST_LINES and path.parent.name != "catalogue"
    ]
    assert not long
    assert statistics.median(lengths.values()) <= _MEDIAN_LINES


def test_no_module_is_called_utils() -> None:
    """House rule 4: a name is a promise about what is inside."""
    assert not [path for path in modules(*SOURCES) if path.stem in ("util", "utils", "helpers", "misc")]


@pytest.mark.parametrize("folder", _BANNED)
def test_imports_point_one_way(folder: str) -> None:
    """House rule 5: tools knows nothing of MCP; the emulator knows neither rows nor client."""
    against = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules(folder)
        for name in imports(path)
        if name in _BANNED[folder]
    }
    assert not against


def test_the_http_library_is_imported_in_one_module() -> None:
    """The README: going back to httpx is one import line."""
    users = {path.relative_to(ROOT).as_posix() for path in modules(*SOURCES) if "httpx2" in imports(path)}
    assert users == {"tools/fly_mcp_tools/http.py"}


def test_every_suppression_has_a_code_and_a_reason() -> None:
    """The issue, and house rule 13: suppressions are debts, and say what for."""
    bare: list[str] = []
    for path in modules(*SOURCES, "tests", "bench"):
        for line, text in comments(path):
            if _SUPPRESSION.search(text):
                good = _WITH_CODE.search(text)
                if not good or len(good["why"].strip(" #-")) < 4:
                    bare.append(f"{path.relative_to(ROOT)}:{line}: {text}")
    assert not bare


def test_every_test_is_a_sentence_with_a_line_on_whose_rule_it_is() -> None:
    """House rule 14, for the tests of this folder."""
    for path in modules("tests/docs"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                assert ast.get_docstring(node), f"{path.name}: {node.name}"
