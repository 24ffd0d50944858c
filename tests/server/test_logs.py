"""What a log line may hold: whoever reads it in a terminal is not to be shown what others made up."""

from __future__ import annotations

import logging
from collections.abc import Generator

import pytest

from fly_mcp_server import logs


@pytest.fixture
def root_logger() -> Generator[None]:
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    yield
    root.handlers[:] = kept
    root.setLevel(level)


def logged(capsys: pytest.CaptureFixture[str], words: str, error: Exception | None = None) -> str:
    """What is written of a line with these words."""
    logs.configure("warning", lambda text: text.replace("fm2_secret", "[token]"))
    logging.getLogger("mcp.server.transport_security").warning("Invalid: %s", words, exc_info=error)
    return capsys.readouterr().err


@pytest.mark.usefixtures("root_logger")
@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("\x1b[2J\x1b]0;owned\x07", r"\x1b[2J\x1b]0;owned\x07"),
        ("a\x85b\x9b31m", r"a\x85b\x9b31m"),
        ("a\r\nERROR all is lost", r"a\r\nERROR all is lost"),
        ("a\u2028b\u202ec", r"a\u2028b\u202ec"),
        ("Bär 猫 🐈", "Bär 猫 🐈"),
    ],
)
def test_nothing_in_a_line_is_obeyed_by_a_terminal(
    sent: str, written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Review of issue 6: strangers wrote escapes into the log by a Host header. It is one line, whatever was sent."""
    line = logged(capsys, sent)
    assert line.endswith(f"Invalid: {written}\n")
    assert line.count("\n") == 1


@pytest.mark.usefixtures("root_logger")
def test_nor_is_anything_in_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """Ours: an error can quote too. Its lines stay lines, and the token is out of it."""
    text = logged(capsys, "x", ValueError("\x1b[2Jfm2_secret"))
    assert text.endswith("Invalid: x\nValueError: \\x1b[2J[token]\n")
